import { expect, it } from 'vitest';
import { Crew, flipDatabases, flipSchema } from './flip-writers.ts';
import { Team } from './strangler-process.ts';

it('trap 49: ten flips in a row under load lose, double and echo nothing, and sequences never collide', async () => {
  const databases = await flipDatabases();
  const team = await Team.found(
    flipSchema,
    { monolith: databases.monolith.url(), service: databases.service.url() },
    { drain: '2s', fence: '5s', hold: '15s' },
  );
  expect(await team.run('setup')).toMatchObject({ code: 0 });
  await team.serveCdc();
  const sync = await team.run('sync', 'x');
  expect(sync, sync.stdout).toMatchObject({ code: 0, json: { result: { followed: true } } });

  const crew = new Crew(databases);
  const accept = ['--accept', 'verified,facades', '--reason', 'writers of this test go past HTTP'];
  for (let flip = 0; flip < 10; flip += 1) {
    const before = crew.acknowledged;
    const said = await team.run(
      ...(flip % 2 === 0 ? ['switch', 'x', '--writes'] : ['reverse', 'x']),
      ...accept,
    );
    expect(said, `flip ${flip}: ${said.stdout}`).toMatchObject({
      code: 0,
      json: { result: { switched: true } },
    });
    expect(crew.acknowledged).toBeGreaterThan(before);
  }
  await crew.stop();
  const verified = await team.run('verify', 'x');
  expect(verified, verified.stdout).toMatchObject({ code: 0, json: { result: { verdict: 'equal' } } });
  await crew.check();
  expect(crew.acknowledged).toBeGreaterThan(500);
});
