// Names that the name section gives to a module's parts (spec: 7.4.1 Name Section, with the
// extended-name-section proposal). Only the data; decoding is binary/name-section.ts.

/** Names by index. */
export type NameMap = ReadonlyMap<number, string>;

/** Names by index inside something that has an index itself. */
export type IndirectNameMap = ReadonlyMap<number, NameMap>;

/** Everything a name section can name; maps are empty where it says nothing. */
export interface NameSection {
  readonly module: string | null;
  readonly functions: NameMap;
  readonly locals: IndirectNameMap;
  readonly labels: IndirectNameMap;
  readonly types: NameMap;
  readonly tables: NameMap;
  readonly memories: NameMap;
  readonly globals: NameMap;
  readonly elements: NameMap;
  readonly data: NameMap;
  readonly fields: IndirectNameMap;
  readonly tags: NameMap;
}

/** Names for people, of the module and its functions; no more of them is read than is asked for. */
export interface FunctionNames {
  /** The name of the module, of at most so many characters; undefined if it has none. */
  moduleName(most: number): string | undefined;
  /** The best name that the module gives a function: name section, first export, or import. */
  functionName(index: number, most: number): string | undefined;
}

/** A name section that names nothing. */
export const NO_NAMES: NameSection = {
  module: null,
  functions: new Map(),
  locals: new Map(),
  labels: new Map(),
  types: new Map(),
  tables: new Map(),
  memories: new Map(),
  globals: new Map(),
  elements: new Map(),
  data: new Map(),
  fields: new Map(),
  tags: new Map(),
};
