import { render } from "preact";

render(<p>pulling-agent</p>, document.getElementById("root")!);
