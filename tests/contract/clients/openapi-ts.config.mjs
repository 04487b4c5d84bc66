// Node wants the names of files in imports; `CONTRACT` is the contract's path.
export default {
  input: process.env.CONTRACT,
  output: { path: "sdk", importFileExtension: ".js" },
  plugins: ["@hey-api/client-fetch", "@hey-api/typescript", "@hey-api/sdk"],
};
