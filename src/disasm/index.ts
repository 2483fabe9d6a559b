// What other folders use of disasm: printing a module as text, showing its sections and its code.

export { disassemble } from "./disassemble.ts";
export {
  decodePartly,
  type Item,
  type PartialModule,
  SectionDetails,
  type SectionHeader,
  sectionHeaders,
} from "./dump.ts";
export { formatName, formatOffset } from "./literals.ts";
export { moduleText, type PrintOptions, printModule } from "./print.ts";
