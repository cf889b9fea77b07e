export { Follower } from '../source/testing/follower.js';
export { type ApiAnswer, type ApiCall, RecordingApi } from './recording-api.js';
export { type KeyRun, type KeyRunOptions, runKey } from './run-key.js';
export { sampleEvent } from './sample-event.js';
export { ScriptedStream } from './scripted-stream.js';
export { checkSubscriptionIds } from './subscription-ids.js';
