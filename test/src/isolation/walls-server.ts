/** A server that lacks the walls named as arguments; only tests start it. */
import { type AppWall, makeApp } from '@weir/server/testing';

const WALLS: readonly AppWall[] = ['gate', 'rights', 'rows'];
const without = WALLS.filter((wall) => process.argv.includes(wall));
const app = await makeApp({}, without);
process.once('SIGTERM', () => void app.close().then(() => process.exit(0)));
await app.listen();
