#!/usr/bin/env node
// Plain JavaScript on purpose: an old node must get an answer, not a syntax error.
const [major, minor] = process.versions.node.split('.').map(Number);
if (major < 22 || (major === 22 && minor < 18)) {
  process.stderr.write(
    `NODE_TOO_OLD: strangler needs Node 22.18 or newer, and this is ${process.versions.node}. ` +
      'Run it through npm (npm run strangler -- …): the lockfile brings Node 24.\n',
  );
  process.exit(3);
}
await import('../src/main.ts');
