/** Which variables of the machine the commands of a run may see: these, and what the owner or the engine names. */

/** Where programs are, in which language they speak, and how they reach the network. No credential is among them. */
const ALWAYS: readonly RegExp[] = [
  /^(PATH|HOME|USER|LOGNAME|SHELL|HOSTNAME|TERM|COLORTERM|NO_COLOR|FORCE_COLOR|CI|TZ|LANG|LANGUAGE|DISPLAY|WAYLAND_DISPLAY)$/,
  /^LC_\w+$/,
  /^XDG_((CACHE|CONFIG|DATA|STATE|BIN|RUNTIME)_(HOME|DIR)|(CONFIG|DATA)_DIRS|SESSION_TYPE|CURRENT_DESKTOP)$/,
  /^(https?|all|no)_proxy$/i,
  /^(NODE_EXTRA_CA_CERTS|SSL_CERT_(FILE|DIR)|CURL_CA_BUNDLE|REQUESTS_CA_BUNDLE|PIP_CERT|GIT_SSL_CAINFO)$/,
  // Homes of toolchains.
  /^(NVM|FNM|RUSTUP|PYENV|RBENV)_(DIR|HOME|ROOT|BIN|INC|VERSION|SHELL|TOOLCHAIN|MULTISHELL_PATH)$/,
  /^(COREPACK_(HOME|ROOT|NPM_REGISTRY|DEFAULT_TO_LATEST|ENABLE_\w+|INTEGRITY_KEYS)|CONDA_(EXE|PREFIX|PYTHON_EXE|SHLVL|DEFAULT_ENV))$/,
  /^DOTNET_(ROOT(_\w+)?|HOST_PATH|CLI_HOME|CLI_TELEMETRY_OPTOUT|NOLOGO|ROLL_FORWARD|SYSTEM_GLOBALIZATION_INVARIANT)$/,
  /^(PNPM_HOME|VOLTA_HOME|JAVA_HOME|MAVEN_HOME|M2_HOME|GRADLE_HOME|GRADLE_USER_HOME|CARGO_HOME|NUGET_PACKAGES|VIRTUAL_ENV)$/,
  /^(GOPATH|GOROOT|GOCACHE|GOMODCACHE|GOTOOLCHAIN|GEM_HOME|GEM_PATH|ANDROID_HOME|ANDROID_SDK_ROOT|DEVELOPER_DIR)$/,
  /^(LD_LIBRARY_PATH|DYLD_LIBRARY_PATH|PLAYWRIGHT_BROWSERS_PATH|npm_config_cache)$/,
];

/** Windows starts next to nothing without these. */
const ALWAYS_ON_WINDOWS: readonly RegExp[] = [
  /^(PATH|SYSTEMROOT|SYSTEMDRIVE|WINDIR|COMSPEC|PATHEXT|OS|PSMODULEPATH|PUBLIC|NUMBER_OF_PROCESSORS)$/i,
  /^(USERPROFILE|USERNAME|USERDOMAIN|HOMEDRIVE|HOMEPATH|APPDATA|LOCALAPPDATA|PROGRAMDATA|PROGRAMW6432)$/i,
  /^((COMMON)?PROGRAMFILES(\(X86\))?|COMMONPROGRAMW6432|PROCESSOR_\w+)$/i,
];

/**
 * @param names that the machine's owner lets through
 * @param own what the engine needs that the variables are for
 */
export function visible(
  env: NodeJS.ProcessEnv,
  names: readonly string[] = [],
  own: readonly RegExp[] = [],
  platform: NodeJS.Platform = process.platform,
): Record<string, string> {
  const isWindows = platform === 'win32';
  const patterns = [...ALWAYS, ...(isWindows ? ALWAYS_ON_WINDOWS : []), ...own];
  const fold = (name: string): string => (isWindows ? name.toUpperCase() : name);
  const named = new Set(names.map(fold));
  const seen: Record<string, string> = {};
  for (const [name, value] of Object.entries(env))
    if (value !== undefined && (named.has(fold(name)) || patterns.some((pattern) => pattern.test(name))))
      seen[name] = value;
  return seen;
}
