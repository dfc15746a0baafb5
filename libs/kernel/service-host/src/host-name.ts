/** Injection token of the process's name: `registry`, `gateway`. */
export const HOST_NAME = Symbol('HOST_NAME');
