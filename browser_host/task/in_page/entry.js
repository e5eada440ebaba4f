// The functions the engine calls by name; each answers with JSON text.

const calls = {
  prepare, outcome, saying, disarm, fill, choose, chosen, focusOn, bringIn, armFocused, scrollBy, checkedIs, secrecy, until,
  survey, naming, read, pause, frameInfo, framePoint, hasTarget, focusedFrame,
  dragPath, dragged, setRange, rangeNow, setDate, dateNow, calendar, selectText, pickRow, every, facts, locate, walls,
  fileField, filesTaken, whence, shownSecrets,
  scene, drawing, scrollWithin, selectionStyle, ready: () => true, address: () => location.href,
};

// Elements themselves, for what only the browser can tell of them.
globalThis.__tabkeepElements = (name, argument) => ({ pressPath, closedFrames })[name](argument || {});
// For what hands elements over instead of JSON: what listens to presses, the field that files go into, and the one of
// a file chooser.
globalThis.__tabkeepListening = noteListening;
globalThis.__tabkeepField = () => state.field && state.field.el;
globalThis.__tabkeepChosen = (el, count) => JSON.stringify(keepChosen(el, count));

globalThis.__tabkeep = async (name, argument) => {
  knownRoots = null;
  return JSON.stringify((await calls[name](argument || {})) ?? null);
};
