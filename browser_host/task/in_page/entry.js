// The functions the engine calls by name; each answers with JSON text.

const calls = {
  prepare, outcome, disarm, fill, choose, chosen, focusOn, bringIn, armFocused, scrollBy, checkedIs, secrecy, until,
  survey, naming, read, pause, frameInfo, framePoint, hasTarget, focusedFrame,
  dragPath, dragged, setRange, rangeNow, setDate, dateNow, calendar, selectText, pickRow, every, facts, locate, walls,
};

// Elements themselves, for what only the browser can tell of them.
globalThis.__tabkeepElements = (name, argument) => ({ pressPath, closedFrames })[name](argument || {});

globalThis.__tabkeep = async (name, argument) => {
  knownRoots = null;
  return JSON.stringify((await calls[name](argument || {})) ?? null);
};
