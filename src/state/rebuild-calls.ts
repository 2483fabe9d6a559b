// Suspended calls from their state. Frames are put into register code, which is executed without
// checks: so here it is checked that each value has the type that the place has which the frame is
// at, and that each function returns what its caller waits for.

import { Cursor } from "../binary/cursor.ts";
import { CALL, ENTRY, type Site, type SiteKind, type SiteTable } from "../code/sites.ts";
import type { Thread } from "../interpreter/thread.ts";
import type { ValType } from "../isa/types.ts";
import type { FunctionInstance, RawValue } from "../runtime/instances.ts";
import type { Aggregate } from "../runtime/objects.ts";
import type { Doing } from "../runtime/saved.ts";
import type { Store } from "../runtime/store.ts";
import { closeValType, valTypeIdMatches } from "../runtime/types.ts";
import { SnapshotError } from "./errors.ts";
import { type Frame, putFrames, siteOf } from "./frames.ts";
import { itemAt, type References } from "./references.ts";
import type { DoingState, ExecutionState, FrameState } from "./store-state.ts";
import { learn } from "./tables.ts";

/** `memory.grow`; and of `array.new`, `.new_data` and `.new_elem` the prefix and what follows. */
const GROW = 0x40;
const OBJECTS = 0xfb;
const NEW_ARRAYS: readonly number[] = [6, 9, 10];

/**
 * A thread that goes on as the execution did.
 * @throws SnapshotError for frames that are none, or do not fit together
 * @throws CodeLimitError for a function that cannot be translated
 * @throws Exhaustion if the store has no room for the frames
 */
export function* rebuildCall(
  store: Store,
  references: References,
  state: ExecutionState,
): Generator<number, Thread> {
  const callee = references.func(state.callee);
  const doing = state.doing === null ? null : doingOf(references, state.doing);
  const places = state.frames.map((frame) => placeOf(references, frame));
  const tables = yield* learn(
    places.map(({ instance, funcIndex, offset }) => {
      return { code: instance.compiled.code(funcIndex), offset };
    }),
  );
  // What is above a frame returns what that waits for.
  let returned = doing?.kind === "call" ? doing.callee.type.results : null;
  const frames = places.map((place, i): Frame => {
    const { func, instance } = place;
    const site = siteOf(place, tables[i]);
    const types = closedTypes(place, site, tables[i]);
    if (place.kind === CALL && returned !== null) checkResults(returned, types.awaited);
    returned = func.type.results;
    const { locals, operands } = state.frames[i];
    const frame = {
      ...place,
      instance,
      // A local that is not read again may have lost its value.
      locals: references.values(locals, types.locals, true),
      operands: references.values(operands, types.operands),
    };
    if (place.kind === ENTRY) checkEntry(frame, func.type.params.length);
    return frame;
  });
  if (returned !== null) checkResults(returned, callee.type.results);
  if (doing?.kind === "grown") checkGrowth(frames);
  if (doing?.kind === "made") checkMade(frames, doing.object);
  return yield* putFrames(store, { callee, doing, frames, isPaid: state.isPaid }, true);
}

function doingOf(references: References, state: DoingState): Doing {
  switch (state.kind) {
    case "call": {
      const callee = references.func(state.callee);
      return { kind: "call", callee, args: references.values(state.args, callee.type.params) };
    }
    case "throw": {
      const exception = references.exception(state.exception);
      return { kind: "throw", exception, searched: state.searched };
    }
    case "grown":
      return state;
    case "made":
      return { kind: "made", object: references.aggregate(state.object) };
  }
}

/** Where a frame is, in a function that there is. */
interface Place extends Pick<Frame, "instance" | "funcIndex" | "kind" | "offset"> {
  readonly func: FunctionInstance;
}

function placeOf(references: References, state: FrameState): Place {
  const { funcIndex, kind, offset } = state;
  const func = references.func({ kind: "func", instance: state.instance, index: funcIndex });
  const instance = itemAt(references.instances, state.instance, "instance");
  return { func, instance, funcIndex, kind: kind as SiteKind, offset };
}

/** The types of what is in a frame, and of what it waits for. */
interface FrameTypes {
  readonly locals: readonly ValType[];
  readonly operands: readonly ValType[];
  readonly awaited: readonly ValType[];
}

function closedTypes({ instance, kind }: Place, site: Site, { layout }: SiteTable): FrameTypes {
  const close = (type: ValType) => closeValType(type, instance.compiled.typeIds);
  const all = site.operands.map(({ type }) => close(type));
  const locals = layout.localTypes.map(close);
  if (kind !== CALL) return { locals, operands: all, awaited: [] };
  return { locals, operands: all.slice(0, site.beneath), awaited: all.slice(site.beneath) };
}

function checkResults(returned: readonly ValType[], awaited: readonly ValType[]): void {
  const fit =
    returned.length === awaited.length &&
    returned.every((type, i) => valTypeIdMatches(type, awaited[i]));
  if (!fit) throw new SnapshotError("a function returns something else than its caller waits for");
}

/** Functions begin with locals that are zero or null, but for their arguments. */
function checkEntry({ locals }: Frame, params: number): void {
  const isSet = ({ high, low, reference, upper }: RawValue) => {
    return (low | high | (upper?.low ?? 0) | (upper?.high ?? 0)) !== 0 || reference !== null;
  };
  if (!locals.slice(params).some(isSet)) return;
  throw new SnapshotError("a function begins with locals that have values");
}

function checkGrowth([frame]: readonly Frame[]): void {
  if (frame?.instance.module.bytes[frame.offset] === GROW) return;
  throw new SnapshotError("a memory has grown where none does");
}

function checkMade([frame]: readonly Frame[], [{ display }]: Aggregate): void {
  const bytes = frame?.instance.module.bytes;
  if (bytes?.[frame.offset] === OBJECTS) {
    const { typeIds } = frame.instance.compiled;
    const cursor = new Cursor(bytes, frame.offset + 1);
    const isNew = NEW_ARRAYS.includes(cursor.u32());
    if (isNew && typeIds[cursor.u32()] === display.at(-1)) return;
  }
  throw new SnapshotError("an array has been made where none is");
}
