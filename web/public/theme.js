// Runs before the first paint, so that a dark page never flashes white; shell/theme.ts keeps the same key.
try {
  const theme = localStorage.getItem('gigafactory.theme');
  if (theme === 'light' || theme === 'dark') document.documentElement.dataset.theme = theme;
} catch {
  // Storage is blocked: the system's preference holds.
}
