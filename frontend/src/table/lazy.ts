// What is loaded when the table or the comparison is first wanted: one file for both, since they share most of it.
export { Comparison, start } from './comparison';
export { TableView } from './table';
