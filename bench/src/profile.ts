import { readdir, readFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { z } from 'zod';

/** The parts of a CPU profile of V8's that we read. */
const cpuProfile = z.object({
  nodes: z.array(
    z.object({
      id: z.number(),
      callFrame: z.object({ functionName: z.string(), url: z.string(), lineNumber: z.number() }),
    }),
  ),
  samples: z.array(z.number()),
  timeDeltas: z.array(z.number()),
});

/** A function and its share of the time that the process was not idle. */
export interface SelfTime {
  readonly where: string;
  readonly share: number;
}

/** Which functions the time went to, the largest first; what they call counts for what they call. */
export function selfTimes(profile: unknown, most: number): SelfTime[] {
  const { nodes, samples, timeDeltas } = cpuProfile.parse(profile);
  const frames = new Map(nodes.map(({ id, callFrame }) => [id, callFrame]));
  const micros = new Map<string, number>();
  let all = 0;
  for (const [at, id] of samples.entries()) {
    const frame = frames.get(id);
    if (!frame || frame.functionName === '(idle)' || frame.functionName === '(root)') continue;
    const where = placeOf(frame);
    const delta = timeDeltas[at] ?? 0;
    micros.set(where, (micros.get(where) ?? 0) + delta);
    all += delta;
  }
  return [...micros]
    .map(([where, used]) => ({ where, share: used / all }))
    .sort((a, b) => b.share - a.share)
    .slice(0, most);
}

function placeOf({
  functionName,
  url,
  lineNumber,
}: {
  functionName: string;
  url: string;
  lineNumber: number;
}) {
  const name = functionName === '' ? 'anonymous' : functionName;
  if (url === '') return name;
  const file = url.startsWith('node:') ? url : url.split('/').slice(-3).join('/');
  return `${name} ${file}:${lineNumber + 1}`;
}

/** The profiles in a directory, each with its largest functions, as lines to read. */
export async function printedProfiles(directory: string, most = 12): Promise<string> {
  const files = (await readdir(directory)).filter((file) => file.endsWith('.cpuprofile')).sort();
  const texts = files.map(async (file) => {
    const profile: unknown = JSON.parse(await readFile(join(directory, file), 'utf8'));
    const lines = selfTimes(profile, most).map(
      ({ where, share }) => `${(share * 100).toFixed(1).padStart(6)} %  ${where}`,
    );
    return [basename(file, '.cpuprofile'), ...lines, ''].join('\n');
  });
  return (await Promise.all(texts)).join('\n');
}
