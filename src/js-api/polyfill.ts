// `wasmeter/polyfill`: `node --import wasmeter/polyfill app.mjs`. Under this name Node gets
// src/wasi/node-polyfill.ts.

import { installGlobal } from "./install.ts";

installGlobal();
