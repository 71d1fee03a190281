/**
 * Preloaded (`node --import`) into each process that the stack starts: when the stack dies, however it dies, its end
 * of our standard input closes, and this process ends as on SIGTERM; harder after five seconds.
 */
import { isMainThread } from 'node:worker_threads';

// A thread has a standard input of its own, which is closed.
if (isMainThread) {
  process.stdin.on('close', () => {
    setTimeout(() => process.kill(process.pid, 'SIGKILL'), 5_000).unref();
    process.kill(process.pid, 'SIGTERM');
  });
  process.stdin.on('error', () => {});
  process.stdin.resume();
  if ('unref' in process.stdin && typeof process.stdin.unref === 'function') process.stdin.unref();
}
