#!/usr/bin/env bash
# Builds the image and puts a new container in the place of the running one: ./deploy.sh [[address:]port]
# The data lies in the volume and stays. Whatever fails, the container that ran before runs again.
set -euo pipefail
cd "$(dirname "$0")"

image=gemini-pool
container=gemini-pool-container
previous=gemini-pool-container-previous
volume=gemini-pool-data
# Longer than DRAIN_TIMEOUT_MS, so that requests in flight can finish.
stop_seconds=${STOP_SECONDS:-40}
# The first start after an upgrade may have a large database to migrate.
ready_seconds=${READY_SECONDS:-300}

say() { printf '%s\n' "$*"; }
fail() {
  printf 'deploy.sh: %s\n' "$*" >&2
  exit 1
}

# What a failure has to undo: nothing (no), a stop of the old container (stopped), or a new one as well (started).
replacing=no
was_running=no
moved_database=''
upgrade_backup=''
scratch=''

exists() { docker container inspect "$1" >/dev/null 2>&1; }

# Runs a command of the image on the volume, without network.
on_volume() { docker run --rm --network none --volume "$volume:/data" "$@"; }

restore() {
  if exists "$previous" || [ "$replacing" = started ]; then docker rm --force "$container" >/dev/null 2>&1 || true; fi
  if [ -n "$moved_database" ]; then
    # The old container goes on with its own file; a copy left here would be taken for newer the next time.
    on_volume --entrypoint rm "$image" -f "$moved_database" "$moved_database-wal" "$moved_database-shm" \
      "$moved_database.key" || true
  elif [ -n "$upgrade_backup" ]; then
    on_volume --env "DATABASE_URL=sqlite:$database" "$image" node /app/dist/scripts/restore.js "$upgrade_backup" >&2 ||
      say "The database could not be restored; its copy from before the upgrade is $upgrade_backup in the volume." >&2
  fi
  if exists "$previous"; then docker rename "$previous" "$container"; fi
  if [ "$was_running" = yes ]; then
    if docker start "$container" >/dev/null; then say 'The old container runs again.' >&2; fi
  fi
}

finish() {
  local status=$?
  trap - EXIT
  if [ "$status" -ne 0 ] && [ "$replacing" != no ]; then restore; fi
  if [ -n "$scratch" ]; then rm -rf "$scratch"; fi
  exit "$status"
}
trap finish EXIT
trap 'exit 129' HUP
trap 'exit 130' INT
trap 'exit 143' TERM

# What is asked for, and whether it can be done.
[ $# -le 1 ] || fail 'give at most a port: ./deploy.sh [[address:]port]'
publish=${1-8080}
port=${publish##*:}
address=127.0.0.1
if [ "$publish" != "$port" ]; then address=${publish%:*}; fi
case $port in
  '' | *[!0-9]* | ??????*) fail "'$port' is no port; give a number from 1 to 65535, like ./deploy.sh 9000" ;;
esac
port=$((10#$port))
if [ "$port" -lt 1 ] || [ "$port" -gt 65535 ]; then fail "$port is no port; give a number from 1 to 65535"; fi
case $publish in
  *:*) publish=$address:$port ;;
  *) publish=$port ;;
esac

env_file=.env
if [ ! -f "$env_file" ]; then env_file=gemini-pool/.env; fi
[ -f "$env_file" ] ||
  fail 'there is no .env. Make it with "cp .env.example .env", then set GEMINI_API_KEYS, ADMIN_PASSWORD and JWT_SECRET in it'
command -v docker >/dev/null || fail 'docker is not installed, see https://docs.docker.com/engine/install/'
docker info >/dev/null 2>&1 ||
  fail 'docker does not answer. Is its service running, and may you use it? Try: docker info'

# docker takes the lines of an environment file as they are: quotes, comments and carriage returns are taken off here.
scratch=$(umask 077 && mktemp -d)
clean_env=$scratch/env
(umask 077 && awk '
  { sub(/\r$/, ""); sub(/^[ \t]+/, ""); sub(/^export[ \t]+/, "") }
  !/^[A-Za-z_][A-Za-z0-9_]*[ \t]*=/ { next }
  {
    name = $0; sub(/[ \t]*=.*/, "", name)
    value = $0; sub(/^[^=]*=[ \t]*/, "", value)
    if (value ~ /^".*"[ \t]*(#.*)?$/ || value ~ /^\047.*\047[ \t]*(#.*)?$/) {
      quote = substr(value, 1, 1); value = substr(value, 2)
      value = substr(value, 1, index(value, quote) - 1)
    } else { sub(/^#.*/, "", value); sub(/[ \t]+#.*$/, "", value); sub(/[ \t]+$/, "", value) }
    print name "=" value
  }' "$env_file" >"$clean_env")

# The path of a database from the last DATABASE_URL among lines NAME=value; $1 is the folder of a relative path.
database_path() {
  local url
  url=$(sed -n 's/^DATABASE_URL=//p' | tail -n 1)
  url=${url:-sqlite:./gemini_pool.db}
  url=${url#sqlite:}
  url=${url%%\?*}
  case $url in
    //*) url=${url#//} ;;
  esac
  case $url in
    /*) printf '%s\n' "$url" ;;
    *) printf '%s/%s\n' "$1" "${url#./}" ;;
  esac
}
database=$(database_path /data <"$clean_env")
# Outside of the volume it would be lost with the container.
case $database in
  /data/*/../* | /data/../*) database=/data/${database##*/} ;;
  /data/*) ;;
  *) database=/data/${database##*/} ;;
esac

# The log driver that keeps files would keep them for ever.
log_options=()
if [ "$(docker info --format '{{.LoggingDriver}}')" = json-file ]; then
  log_options=(--log-opt max-size=50m --log-opt max-file=5)
fi

if exists "$previous"; then
  if exists "$container"; then
    fail "an earlier deployment was interrupted. If $container works, remove the one before it: docker rm $previous. If not: docker rm --force $container && docker rename $previous $container"
  fi
  docker rename "$previous" "$container"
fi

say "Building the image $image…"
docker build --tag "$image" . || fail 'the image could not be built, see above; nothing was changed'

say 'Checking the configuration…'
docker run --rm --network none --env-file "$clean_env" --env LISTEN_ADDR=0.0.0.0:8080 \
  --env "DATABASE_URL=sqlite:$database" "$image" node /app/dist/scripts/doctor.js --only configuration ||
  fail "the configuration in $env_file has problems, see above; nothing was changed"

# An old container may keep its database inside of itself: that of the Rust program did.
old_database=''
if exists "$container"; then
  inspect() { docker container inspect --format "$1" "$container"; }
  if [ "$(inspect '{{.State.Running}}')" = true ]; then was_running=yes; fi
  work_dir=$(inspect '{{.Config.WorkingDir}}')
  inside=$(inspect '{{range .Config.Env}}{{println .}}{{end}}' | database_path "${work_dir:-/usr/local/bin}")
  mounts=$(inspect '{{range .Mounts}}{{println .Destination .Name}}{{end}}')
  case $inside in
    /data/*) if ! grep -qx "/data $volume" <<<"$mounts"; then old_database=$inside; fi ;;
    *) old_database=$inside ;;
  esac
  if [ -n "$old_database" ] && on_volume --entrypoint test "$image" -s "$database"; then
    fail "the old container has its database inside of itself ($old_database), and the volume $volume has one as well ($database). Nothing was changed. If the volume's is the right one: docker rm --force $container. If not, move it away: docker run --rm --volume $volume:/data --entrypoint mv $image $database $database.aside"
  fi

  say 'Stopping the old container…'
  replacing=stopped
  docker stop -t "$stop_seconds" "$container" >/dev/null
fi

if [ -n "$old_database" ]; then
  say "Copying the database $old_database out of the old container…"
  docker cp "$container:$old_database" "$scratch/database" >/dev/null ||
    fail "the database could not be copied out of the old container; its DATABASE_URL says it is $old_database"
  docker cp "$container:$old_database-wal" "$scratch/database-wal" >/dev/null 2>&1 || true
  docker cp "$container:$old_database.key" "$scratch/database.key" >/dev/null 2>&1 || true
  if [ -s "$scratch/database" ]; then moved_database=$database; fi
fi
# Whoever wrote the volume before, its files belong to the user of the image now.
on_volume --user 0:0 --entrypoint chown "$image" -R 1000:1000 /data
if [ -n "$moved_database" ]; then
  # The database itself last: before that the volume has none.
  for suffix in -wal .key ''; do
    if [ -f "$scratch/database$suffix" ]; then
      # shellcheck disable=SC2016 # $1 is the container's.
      on_volume --interactive --entrypoint sh "$image" -c 'umask 077 && cat >"$1.part" && mv "$1.part" "$1"' sh "$database$suffix" \
        <"$scratch/database$suffix"
    fi
  done
else
  upgrade_backup=$(on_volume --env "DATABASE_URL=sqlite:$database" "$image" \
    node /app/dist/scripts/backup.js --before-upgrade)
  if [ -n "$upgrade_backup" ]; then say "The database is upgraded; its copy from before is $upgrade_backup in the volume."; fi
fi
if [ "$replacing" = stopped ]; then docker rename "$container" "$previous"; fi
replacing=started

say "Starting the new container on port $port…"
# Without a restart policy until it is ready, so that one that can't start is seen to have ended.
docker run --detach --name "$container" --env-file "$clean_env" --env LISTEN_ADDR=0.0.0.0:8080 \
  --env "DATABASE_URL=sqlite:$database" --publish "$publish:8080" --volume "$volume:/data" \
  --read-only --tmpfs /tmp --cap-drop ALL --security-opt no-new-privileges --ulimit nofile=65536:65536 \
  --stop-timeout "$stop_seconds" ${log_options[@]+"${log_options[@]}"} "$image" >/dev/null ||
  fail "the container could not be started, see above. Is port $port taken?"

is_ready=no
for ((second = 0; second < ready_seconds; second++)); do
  if docker exec "$container" node /app/dist/scripts/health-check.js >/dev/null 2>&1; then
    is_ready=yes
    break
  fi
  if [ "$(docker container inspect --format '{{.State.Running}}' "$container")" != true ]; then break; fi
  sleep 1
done
if [ "$is_ready" = no ]; then
  say 'The last lines of its log:' >&2
  docker logs --tail 20 "$container" >&2 || true
  fail "the new container was not ready within $ready_seconds seconds"
fi
docker update --restart unless-stopped "$container" >/dev/null
replacing=no
if exists "$previous"; then docker rm "$previous" >/dev/null || true; fi

say "
gemini-pool is ready.
  Panel:           http://$address:$port/
  OpenAI clients:  base_url http://$address:$port/v1
  Log:             docker logs --follow $container
  Stop:            docker stop $container"
