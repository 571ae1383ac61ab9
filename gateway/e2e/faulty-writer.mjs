/**
 * Loaded into a gateway under test ahead of its own code: the writer process that it forks, which gets nothing of the
 * gateway's environment, has its database on the disk of faulty-disk.ts.
 */
import childProcess from 'node:child_process';
import { syncBuiltinESMExports } from 'node:module';

const { FAULTY_DISK_LIBRARY: library, FAULTY_DISK_CONTROL: control } = process.env;

childProcess.fork = new Proxy(childProcess.fork, {
  apply: (fork, self, [path, given, options]) =>
    Reflect.apply(fork, self, [
      path,
      given,
      { ...options, env: { ...options.env, LD_PRELOAD: library, FAULTY_DISK_CONTROL: control } },
    ]),
});
syncBuiltinESMExports();
