/**
 * Loaded into a gateway under test ahead of its own code: the process seems to take the share of its memory that the file
 * `memory-share` of the working directory says; without one, what it takes of a gigabyte.
 */
import { readFileSync } from 'node:fs';

const limitBytes = 1024 ** 3;
const realRss = process.memoryUsage.rss;

process.constrainedMemory = () => limitBytes;
process.memoryUsage.rss = () => {
  try {
    return limitBytes * Number(readFileSync('memory-share', 'utf8'));
  } catch {
    return realRss();
  }
};
