/** The start page: nothing but a client, so that the panel has something to show. */

import { frame } from "/frame.js";
import { connect } from "/rt/client.js";

frame(connect("/rt", { tabs: false }));
