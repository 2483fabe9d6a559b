// A bytecode machine inside the machine: a stack interpreter with one large switch (br_table) that
// runs a program with two nested loops; n is the outer loop's count.

#include "kernel.h"

enum {
  PUSH, LOAD, STORE, ADD, SUB, MUL, AND, XOR, SHL, SHR, LESS, EQUAL, NOT, DUP, SWAP, DROP,
  JUMP, JUMP_IF, INCREMENT, HALT,
};

// Variables: 0 i, 1 j, 2 sum, 3 n.
static const u8 program[] = {
  /*  0 */ PUSH, 0, STORE, 0, PUSH, 1, STORE, 2,
  /*  8 */ LOAD, 0, LOAD, 3, LESS, NOT, JUMP_IF, 54,
  /* 16 */ PUSH, 0, STORE, 1,
  /* 20 */ LOAD, 1, PUSH, 50, EQUAL, JUMP_IF, 50,
  /* 27 */ LOAD, 2, DUP, PUSH, 5, SHL, SWAP, PUSH, 3, SHR, XOR,
  /* 38 */ LOAD, 1, ADD, LOAD, 0, SUB, STORE, 2,
  /* 46 */ INCREMENT, 1, JUMP, 20,
  /* 50 */ INCREMENT, 0, JUMP, 8,
  /* 54 */ LOAD, 2, PUSH, 31, MUL, PUSH, 127, AND, LOAD, 2, XOR, DUP, DROP, HALT,
};

static u32 stack[64], variables[8];

static NOINLINE u32 execute(const u8 *code) {
  u32 pc = 0, *top = stack;
  for (;;) {
    switch (code[pc++]) {
      case PUSH: *++top = code[pc++]; break;
      case LOAD: *++top = variables[code[pc++]]; break;
      case STORE: variables[code[pc++]] = *top--; break;
      case ADD: top--; top[0] += top[1]; break;
      case SUB: top--; top[0] -= top[1]; break;
      case MUL: top--; top[0] *= top[1]; break;
      case AND: top--; top[0] &= top[1]; break;
      case XOR: top--; top[0] ^= top[1]; break;
      case SHL: top--; top[0] <<= top[1]; break;
      case SHR: top--; top[0] >>= top[1]; break;
      case LESS: top--; top[0] = top[0] < top[1]; break;
      case EQUAL: top--; top[0] = top[0] == top[1]; break;
      case NOT: top[0] = !top[0]; break;
      case DUP: top[1] = top[0]; top++; break;
      case SWAP: { const u32 t = top[0]; top[0] = top[-1]; top[-1] = t; break; }
      case DROP: top--; break;
      case JUMP: pc = code[pc]; break;
      case JUMP_IF: pc = *top-- ? code[pc] : pc + 1; break;
      case INCREMENT: variables[code[pc++]]++; break;
      case HALT: return *top;
      default: __builtin_trap();
    }
  }
}

u32 EXPORT(run)(u32 n) {
  variables[3] = n;
  return execute(program);
}
