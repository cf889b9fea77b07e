#!/usr/bin/env node
// An older Node fails with a syntax error or a missing function somewhere in the code that this file loads.
const [major, minor] = process.versions.node.split('.').map(Number);
if (major < 20 || (major === 20 && minor < 19)) {
  console.error(
    `weir: Node.js ${process.versions.node} is too old. Install 22 or 24; 20.19 and later work too`,
  );
  process.exit(2);
}
await import('../dist/main.js');
