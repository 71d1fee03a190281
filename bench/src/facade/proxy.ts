/** As the facade's own connections to upstreams. */
export const agentSettings = { keepAlive: true, maxSockets: 1_024, maxFreeSockets: 256 };

/** CPU time that this process has used so far, in microseconds, all its threads and the kernel's part included. */
export function cpuMicros(): number {
  const { user, system } = process.cpuUsage();
  return user + system;
}
