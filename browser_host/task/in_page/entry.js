// The functions the engine calls by name; each answers with JSON text.

const calls = {
  prepare, outcome, disarm, fill, choose, chosen, focusOn, bringIn, armFocused, scrollBy, checkedIs, secrecy, until,
  survey, naming, read, pause, facts, locate,
  dragPath, dragged, setRange, rangeNow, setDate, dateNow, calendar, selectText, pickRow, every, fileField, filesTaken,
};

// For what hands elements over instead of JSON: the field that files go into, and the one of a file chooser.
globalThis.__tabkeepField = () => state.field && state.field.el;
globalThis.__tabkeepChosen = (el, count) => JSON.stringify(keepChosen(el, count));

globalThis.__tabkeep = async (name, argument) => {
  knownRoots = null;
  return JSON.stringify((await calls[name](argument || {})) ?? null);
};
