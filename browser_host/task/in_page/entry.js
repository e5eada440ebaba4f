// The functions the engine calls by name; each answers with JSON text.

const calls = {
  prepare, outcome, disarm, fill, choose, chosen, focusOn, bringIn, armFocused, scrollBy, checkedIs, secrecy, until,
  survey, naming, read, pause, facts, locate,
  dragPath, dragged, setRange, rangeNow, setDate, dateNow, calendar, selectText, pickRow, every,
};

globalThis.__tabkeep = async (name, argument) => {
  knownRoots = null;
  return JSON.stringify((await calls[name](argument || {})) ?? null);
};
