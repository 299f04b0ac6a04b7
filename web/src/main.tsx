// Owns the start: session from the link, data client, router, and the session's end.
import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { RouterProvider } from "@tanstack/react-router";
import { StrictMode, useSyncExternalStore } from "react";
import { createRoot } from "react-dom/client";
import { ApiError } from "./api/client";
import { onSessionChange, sessionState, startSession } from "./api/session";
import { LoginPage } from "./pages/LoginPage";
import { router } from "./router";
import "./styles/tokens.css";
import "./styles/base.css";
import "./styles/shell.css";
import "./styles/controls.css";
import "./styles/list.css";
import "./styles/drawer.css";
import "./styles/pages.css";
import "./styles/run.css";
import "./styles/transcript.css";
import "./styles/picture.css";
import "./styles/trust.css";
import "./styles/types.css";
import "./styles/dialogs.css";

const RETRIES_MAX = 1;
const FAILED_AGAIN_MS = 3_000;

function isPassing(error: Error): boolean {
  return !(error instanceof ApiError) || error.retryable;
}

const client = new QueryClient({
  defaultOptions: {
    queries: {
      // Live events say when a view is old; the clock does not.
      staleTime: 2_000,
      refetchOnWindowFocus: false,
      retry: (failures, error) => failures < RETRIES_MAX && isPassing(error),
      retryDelay: 500,
      // A page that shows a passing failure looks by itself whether it has passed.
      refetchInterval: (query) =>
        query.state.error && isPassing(query.state.error) ? FAILED_AGAIN_MS : false,
      networkMode: "always",
    },
  },
});

function App() {
  const session = useSyncExternalStore(onSessionChange, sessionState);
  if (session.kind !== "signed_in") return <LoginPage state={session} />;
  return (
    <QueryClientProvider client={client}>
      <RouterProvider router={router} />
    </QueryClientProvider>
  );
}

startSession();
// Another session may see other things: nothing of the last one is kept.
onSessionChange(() => {
  if (sessionState().kind !== "signed_in") client.clear();
});

const root = document.getElementById("root");
if (root) {
  createRoot(root).render(
    <StrictMode>
      <App />
    </StrictMode>,
  );
}
