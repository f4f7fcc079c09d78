const http = require("http");
if (process.argv[2] === "serve") {
  http.createServer((request, answer) => request.pipe(answer)).listen(4007);
} else {
  let left = 20;
  for (let n = 0; n < 20; n++) {
    const text = String(n).repeat(50000);
    const request = http.request({ host: process.argv[3], port: 4007, method: "POST" }, (answer) => {
      let got = "";
      answer.on("data", (part) => (got += part));
      answer.on("end", () => {
        if (got !== text) process.exit(1);
        if (--left === 0) process.exit(0);
      });
    });
    request.on("error", (error) => {
      console.error(error);
      process.exit(1);
    });
    request.end(text);
  }
}
