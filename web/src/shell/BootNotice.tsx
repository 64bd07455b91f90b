/** The page before there is a session: why it does not go on, and one thing to do. */
export function BootNotice({
  title,
  detail,
  action,
  onAction,
}: {
  title: string;
  detail: string;
  action: string;
  onAction: () => void;
}) {
  return (
    <main className="boot">
      <img src="/mark.svg" alt="" width="40" height="40" />
      <h1>{title}</h1>
      <p className="muted">{detail}</p>
      <button type="button" className="button primary" onClick={onAction}>
        {action}
      </button>
    </main>
  );
}
