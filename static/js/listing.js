// Where filters and sorting have addresses: who went back or forward before htmx listened (it begins in a timeout of its
// own) sees another page than the address says.
const place = (url) => url.split("#")[0];
setTimeout(() => window.navigation?.activation && place(navigation.activation.entry.url) !== place(location.href) && location.reload());
