// What other folders use of disasm: printing a module as text, showing its sections and its code.

export { moduleText, type PrintOptions, printModule } from "./print.ts";
