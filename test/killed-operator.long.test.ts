import { stepNames } from '@strangler/playbook';
import { expect, it } from 'vitest';
import { Crew, flipDatabases, flipSchema } from './flip-writers.ts';
import { Team } from './strangler-process.ts';

const accept = ['--accept', 'verified,facades', '--reason', 'writers of this test go past HTTP'];

it('an operator killed at any step leaves nothing shut, and the next run takes up what it finds', async () => {
  const databases = await flipDatabases();
  const team = await Team.found(
    flipSchema,
    { monolith: databases.monolith.url(), service: databases.service.url() },
    { drain: '2s', fence: '3s', hold: '10s' },
  );
  expect(await team.run('setup')).toMatchObject({ code: 0 });
  await team.serveCdc();
  expect(await team.run('sync', 'x')).toMatchObject({ code: 0, json: { result: { followed: true } } });
  const crew = new Crew(databases);

  for (const [at, step] of stepNames.entries()) {
    const verb = at % 2 === 0 ? ['switch', 'x', '--writes'] : ['reverse', 'x'];
    expect(await team.runKilledAt(step, ...verb, ...accept), step).toBe('SIGKILL');
    const before = crew.acknowledged;
    const again = await team.runUnlessHeld(...verb, ...accept);
    expect(again, `${step}: ${again.stdout}`).toMatchObject({ code: 0 });
    const status = await team.run('status', 'x');
    expect(status.json.result, step).toMatchObject({
      extractions: [
        {
          owner: at % 2 === 0 ? 'service' : 'monolith',
          stage: at % 2 === 0 ? 'switched' : 'following',
          run: null,
        },
      ],
    });
    expect(crew.acknowledged, `somebody writes again after ${step}`).toBeGreaterThan(before);
  }
  await crew.stop();
  const verified = await team.run('verify', 'x');
  expect(verified, verified.stdout).toMatchObject({ code: 0, json: { result: { verdict: 'equal' } } });
  await crew.check();
});
