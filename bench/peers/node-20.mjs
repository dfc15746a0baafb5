// The Restate SDK asks for what Node has from version 22 on; the suite runs on 20 too.
Promise.withResolvers ??= function withResolvers() {
  const made = {};
  made.promise = new this((resolve, reject) => Object.assign(made, { resolve, reject }));
  return made;
};
