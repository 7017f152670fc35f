// The site's start leads to the reader's language.
"use strict";

location.replace(`${navigator.language.startsWith("zh") ? "zh" : "en"}/index.html`);
