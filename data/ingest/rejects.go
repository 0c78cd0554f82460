package ingest

import (
	"encoding/csv"
	"fmt"
	"io"
	"strconv"

	"sarhad/data/source"
)

// rejectWriter writes refused rows as CSV.
type rejectWriter struct {
	csv     *csv.Writer
	file    string
	columns int
	row     []string
}

func newRejectWriter(w io.Writer, file string, columns []string) (*rejectWriter, error) {
	r := &rejectWriter{csv: csv.NewWriter(w), file: file, columns: len(columns)}
	if err := r.csv.Write(append(source.RejectColumns(), columns...)); err != nil {
		return nil, fmt.Errorf("write refused rows: %w", err)
	}
	return r, nil
}

func (r *rejectWriter) write(j reject) error {
	is := j.issue
	r.row = append(r.row[:0], harmless(r.file), strconv.Itoa(is.Line), harmless(is.Column), harmless(is.Value), is.Code, is.Reason)
	r.row = append(r.row, j.raw...)
	// A row of too few fields stays one, so that it is refused again unless it is mended.
	for i := len(j.raw); i < r.columns && is.Code != source.CodeWrongFieldCount; i++ {
		r.row = append(r.row, "")
	}
	if err := r.csv.Write(r.row); err != nil {
		return fmt.Errorf("write refused rows: %w", err)
	}
	return nil
}

func (r *rejectWriter) flush() error {
	r.csv.Flush()
	if err := r.csv.Error(); err != nil {
		return fmt.Errorf("write refused rows: %w", err)
	}
	return nil
}

// harmless keeps a spreadsheet from running a text as a formula. A number is none.
func harmless(s string) string {
	if s == "" {
		return s
	}
	switch s[0] {
	case '=', '+', '-', '@', '\t', '\r':
		if _, err := strconv.ParseFloat(s, 64); err != nil {
			return "'" + s
		}
	}
	return s
}
