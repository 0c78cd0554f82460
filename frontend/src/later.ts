// What is loaded when it is first wanted, in one file: several compress worse, and share much.
export { Menus } from './out/menu';
export { Served } from './served/served';
export { Comparison, start } from './table/comparison';
export { TableView } from './table/table';
