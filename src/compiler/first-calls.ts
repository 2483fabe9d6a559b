// The host compiles a function when it is called for the first time, and guests may call
// thousands, one after the other, for hardly any fuel. So in modules where that adds up, functions
// lie in groups, and whoever enters a group that nobody has been in asks for budget, however much
// there is.

import type { ModuleRecord } from "../module/module.ts";

/** Bytes of the guest's code that are compiled at their first calls without being noticed. */
const UNNOTICED = 1 << 15;
/** Bytes of the guest's code in a group, and what compiling it counts for in a slice: 1 ms. */
const GROUP = 1 << 13;
const GROUP_WORK = 200_000;

/** What the global of a group holds that nobody of an instance has been in. */
export const NOT_ENTERED = 1;

/** The groups of a module's functions. */
export class FirstCalls {
  private readonly module: ModuleRecord;
  /** How many groups there are; 0: they are not needed. */
  readonly count: number;

  constructor(module: ModuleRecord) {
    this.module = module;
    const { bodyEnds } = module;
    const bytes = bodyEnds.length === 0 ? 0 : this.begin(bodyEnds.length - 1);
    this.count = bytes > UNNOTICED ? 1 + Math.floor(bytes / GROUP) : 0;
  }

  /** Where a body begins, counted from the first one. */
  private begin(body: number): number {
    const { bodyStarts } = this.module;
    return bodyStarts[body] - bodyStarts[0];
  }

  /** The group of a function; -1: there are none. */
  groupOf(index: number): number {
    const body = index - this.module.importedFunctions;
    return this.count === 0 ? -1 : Math.floor(this.begin(body) / GROUP);
  }
}

/** The groups of a module's functions that an instance of it has come to. */
export class CalledGroups {
  private readonly groups: FirstCalls;
  private readonly called: Uint8Array;

  constructor(groups: FirstCalls) {
    this.groups = groups;
    this.called = new Uint8Array(groups.count);
  }

  /** Somebody has come to the group of a function: the work that this was for the host. */
  call(index: number): number {
    const group = this.groups.groupOf(index);
    if (group < 0 || this.called[group] === 1) return 0;
    this.called[group] = 1;
    return GROUP_WORK;
  }
}
