# The gateway on Debian 13 with Node 24. The C library there is new enough for uWebSockets.js as it is published.
#   docker build -t gemini-pool .
#   docker run --env-file .env -p 8080:8080 -v gemini-pool-data:/data gemini-pool

FROM node:24-trixie-slim AS build
RUN apt-get update \
 && apt-get install -y --no-install-recommends python3 make g++ \
 && rm -rf /var/lib/apt/lists/*
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
COPY scripts/sqlite-object-wrap.h scripts/
# SQLite is compiled, for this C library and with the headers of this Node, rather than fetched from somewhere else. The
# header in front keeps this Node from aborting.
RUN npm ci --ignore-scripts \
 && npm_config_nodedir=/usr/local CXXFLAGS='-include /app/scripts/sqlite-object-wrap.h' \
    npm explore better-sqlite3 -- npm run build-release \
 && ! grep -q RemoveEnvironmentCleanupHook node_modules/better-sqlite3/build/Release/better_sqlite3.node
COPY . .
RUN node scripts/build.mjs
# What a running gateway never opens: development packages, other platforms, sources of SQLite, the bench, maps.
RUN npm prune --omit=dev \
 && uws="uws_linux_$(node --print process.arch)_$(node --print process.versions.modules).node" \
 && find node_modules/uWebSockets.js -name '*.node' ! -name "$uws" -delete \
 && rm -rf node_modules/better-sqlite3/deps node_modules/better-sqlite3/src node_modules/.package-lock.json \
 && find node_modules/better-sqlite3/build -type f ! -path '*/Release/better_sqlite3.node' -delete \
 && find node_modules -type d -empty -delete \
 && find node_modules dist/gateway dist/scripts dist/workers -type f \( -name '*.map' -o -name '*.d.ts' -o -name '*.d.mts' -o -name '*.d.cts' \) -delete \
 && rm -rf dist/bench \
 && node --eval "new (require('better-sqlite3'))(':memory:').close(); require('uWebSockets.js')"

FROM debian:trixie-slim
LABEL org.opencontainers.image.title="gemini-pool" \
      org.opencontainers.image.description="An OpenAI-compatible gateway that answers from Google's Gemini through a rotating pool of keys." \
      org.opencontainers.image.licenses="MIT"
RUN apt-get update \
 && apt-get install -y --no-install-recommends libstdc++6 tini \
 && rm -rf /var/lib/apt/lists/* \
 && groupadd --gid 1000 gemini-pool \
 && useradd --uid 1000 --gid 1000 --no-create-home --home-dir /data --shell /usr/sbin/nologin gemini-pool \
 && install --directory --owner=gemini-pool --group=gemini-pool --mode=0750 /data
COPY --from=build /usr/local/bin/node /usr/local/bin/node
COPY --from=build /app/package.json /app/LICENSE /app/
COPY --from=build /app/node_modules /app/node_modules
COPY --from=build /app/dist /app/dist
# The working directory is the volume, so that a relative DATABASE_URL lands there too; SQLite's temporary files as well,
# as the rest of the file system may be read-only.
ENV NODE_ENV=production \
    LISTEN_ADDR=0.0.0.0:8080 \
    DATABASE_URL=sqlite:/data/gemini_pool.db \
    SQLITE_TMPDIR=/data
USER gemini-pool
WORKDIR /data
VOLUME /data
EXPOSE 8080
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=30s --timeout=5s --start-period=120s --retries=3 \
  CMD ["node", "/app/dist/scripts/health-check.js"]
ENTRYPOINT ["tini", "--"]
CMD ["node", "--max-semi-space-size=16", "/app/dist/gateway/main.js"]
