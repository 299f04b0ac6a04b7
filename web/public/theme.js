// Owns the first paint: sets the chosen theme before any style applies, so that nothing flashes.
(() => {
  try {
    const chosen = localStorage.getItem("annals.theme");
    if (chosen === "light" || chosen === "dark") document.documentElement.dataset.theme = chosen;
  } catch {
    // Storage may be blocked; the system's preference then decides.
  }
})();
