import { copyTables, createReverse } from '@strangler/cdc';
import type { Config, Extraction } from '@strangler/config';
import { StranglerError, waitFor } from '@strangler/errors';
import {
  checkEnvironment,
  readCheckpoint,
  readExtraction,
  recordEvent,
  type Stage,
  setStage,
} from '@strangler/ledger';
import { openDatabase, openDatabases } from '../databases.ts';
import { runDoctor } from '../doctor/index.ts';
import { holdRun } from '../hold-run.ts';
import { prepareSide } from './prepare.ts';

export interface SyncProgress {
  readonly phase: 'check' | 'prepare' | 'copy' | 'follow';
  readonly text: string;
}

export interface SyncResult {
  readonly stage: Stage;
  readonly tables: readonly { readonly table: string; readonly rows: number }[];
  /** Whether a sink follows already; false means that `strangler serve cdc` is not running. */
  readonly followed: boolean;
}

/**
 * Copies the extraction's tables, then lets the streams follow. Run again, it takes up what it finds: an interrupted
 * copy starts anew, a following extraction is left alone.
 * @throws StranglerError CHECK_FAILED, TARGET_NOT_EMPTY, COPY_FAILED, RUN_HELD.
 */
export async function sync(
  config: Config,
  extraction: Extraction,
  options: { actor: string; signal: AbortSignal; onProgress: (progress: SyncProgress) => void },
): Promise<SyncResult> {
  const { actor, signal, onProgress } = options;
  await using operator = await openDatabases(config, extraction, 'operator', 'sync');
  const home = operator.monolith;
  await checkEnvironment(home, config.environment, 'monolith');
  await checkEnvironment(operator.service, config.environment, 'service');
  const before = await readExtraction(home, extraction.name);
  if (before && before.stage !== 'planned' && before.stage !== 'copying') {
    if (before.stage === 'lost' || before.stage === 'completed') throw wrongStage(extraction, before.stage);
    // A partition that came later has no fence yet.
    await holdRun(home, { extraction: extraction.name, verb: 'sync', actor, plan: ['prepare'] }, async () => {
      await prepare(config, extraction, signal);
    });
    return { stage: before.stage, tables: [], followed: await isFollowed(config, extraction, 1_000, signal) };
  }
  if (before?.stage !== 'copying') await refuseWhatDoctorRefuses(config, extraction, onProgress);

  return await holdRun(
    home,
    { extraction: extraction.name, verb: 'sync', actor, plan: ['prepare', 'copy', 'follow'] },
    async (run) => {
      onProgress({ phase: 'prepare', text: 'fences, publications, marks' });
      await run.at('prepare');
      await setStage(home, extraction.name, 'copying', config.hash);
      await prepare(config, extraction, signal);
      await run.at('copy');
      const copied = await copyTables({
        config,
        extraction,
        signal,
        onProgress: (progress) =>
          onProgress({
            phase: 'copy',
            text: `${progress.table}: ${progress.rows} rows, ${(progress.bytes / 1e6).toFixed(1)} MB`,
          }),
      });
      await createReverse({ config, extraction, signal });
      await run.at('follow');
      await setStage(home, extraction.name, 'following', config.hash);
      await recordEvent(home, {
        extraction: extraction.name,
        actor,
        what: 'sync',
        detail: { tables: copied.tables },
      });
      onProgress({ phase: 'follow', text: 'waiting for the stream' });
      const followed = await isFollowed(config, extraction, 15_000, signal);
      return { stage: 'following', tables: copied.tables, followed };
    },
  );
}

/** The service first: its tables are closed before anything of ours can open a door. */
async function prepare(config: Config, extraction: Extraction, signal: AbortSignal): Promise<void> {
  await using admin = await openDatabases(config, extraction, 'admin', 'sync');
  await prepareSide(admin.service, config, extraction, 'service', signal);
  await prepareSide(admin.monolith, config, extraction, 'monolith', signal);
}

async function refuseWhatDoctorRefuses(
  config: Config,
  extraction: Extraction,
  onProgress: (progress: SyncProgress) => void,
): Promise<void> {
  onProgress({ phase: 'check', text: 'doctor' });
  const refused = (await runDoctor({ config, extraction })).filter((finding) => finding.level === 'refuse');
  if (refused.length === 0) return;
  const [first] = refused;
  throw new StranglerError(
    'CHECK_FAILED',
    refused.map((finding) => `${finding.check}: ${finding.fact}`).join(' '),
    refused.length === 1 && first
      ? first.remedy
      : `See \`strangler doctor ${extraction.name}\` for each remedy.`,
  );
}

/** Whether the forward stream is up and has caught up once. */
async function isFollowed(
  config: Config,
  extraction: Extraction,
  timeoutMs: number,
  signal: AbortSignal,
): Promise<boolean> {
  await using service = await openDatabase(config, extraction, 'service', 'operator', 'sync');
  try {
    await waitFor(
      async () => {
        const checkpoint = await readCheckpoint(service.sql, extraction.name, 'forward');
        return checkpoint?.holder && checkpoint.ageMs < 2_000 && checkpoint.lagMs < extraction.limits.lagMs
          ? true
          : undefined;
      },
      { timeoutMs, everyMs: 100, what: 'the stream', signal },
    );
    return true;
  } catch (error) {
    if (error instanceof StranglerError && error.code === 'DEADLINE') return false;
    throw error;
  }
}

function wrongStage(extraction: Extraction, stage: Stage): StranglerError {
  return new StranglerError(
    'STAGE_WRONG',
    `${extraction.name} is ${stage}.`,
    stage === 'lost'
      ? `Run \`strangler cancel ${extraction.name}\`, then sync again.`
      : 'There is nothing to sync.',
  );
}
