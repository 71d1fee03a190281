import { styleText } from 'node:util';
import { runDoctor } from '@strangler/playbook';
import { target } from '../extraction-word.ts';
import type { Verb } from '../verb.ts';

const marks = {
  ok: styleText('green', 'ok    '),
  warn: styleText('yellow', 'warn  '),
  refuse: styleText('red', 'refuse'),
};

export const doctor = {
  name: 'doctor',
  takes: 'EXTRACTION',
  summary: 'everything that would go wrong, each with its remedy',
  options: {},
  run: async (invocation) => {
    const { config, extraction } = await target(invocation);
    const findings = await runDoctor({ config, extraction });
    const ok = findings.every((finding) => finding.level !== 'refuse');
    const text = findings.flatMap((finding) => [
      `${marks[finding.level]} ${finding.check}: ${finding.fact}`,
      ...(finding.level === 'ok' ? [] : [`       ${styleText('dim', 'remedy:')} ${finding.remedy}`]),
    ]);
    return { ok, result: { findings }, text, nextSteps: ok ? [`strangler sync ${extraction.name}`] : [] };
  },
} as const satisfies Verb;
