package main

import (
	"bufio"
	"encoding/base64"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/rivo/uniseg"
)

// A rowWriter writes what a query gives, in one of three forms.
type rowWriter interface {
	begin(columns []string) error
	row(values []any) error
	end() error
}

// cell is a value as a table or CSV shows it.
func cell(v any) string {
	switch v := v.(type) {
	case int64:
		return strconv.FormatInt(v, 10)
	case float64:
		return strconv.FormatFloat(v, 'g', -1, 64)
	case string:
		if utf8.ValidString(v) {
			return v
		}
		return fmt.Sprintf("x'%X'", v)
	case []byte:
		return cell(string(v))
	}
	return ""
}

// jsonRows writes an array of objects for each statement, the keys in the columns' order; an empty array if none of
// them has columns.
type jsonRows struct {
	out     io.Writer
	to      *bufio.Writer
	columns [][]byte
	rows    int // of the statement under way
}

func (j *jsonRows) begin(columns []string) error {
	if j.to == nil {
		j.to = bufio.NewWriter(j.out)
	} else if err := j.end(); err != nil {
		return err
	}
	j.rows = 0
	j.columns = j.columns[:0]
	for _, c := range columns {
		name, _ := json.Marshal(c)
		j.columns = append(j.columns, name)
	}
	return nil
}

func (j *jsonRows) row(values []any) error {
	separator := ",\n"
	if j.rows == 0 {
		separator = "["
	}
	j.rows++
	j.to.WriteString(separator)
	for i, v := range values {
		separator = ","
		if i == 0 {
			separator = "{"
		}
		j.to.WriteString(separator)
		j.to.Write(j.columns[i])
		j.to.WriteByte(':')
		b, err := json.Marshal(jsonValue(v))
		if err != nil {
			return err
		}
		j.to.Write(b)
	}
	_, err := j.to.WriteString("}") // the writer keeps its first error
	return err
}

func (j *jsonRows) end() error {
	if j.to == nil {
		j.to = bufio.NewWriter(j.out)
	}
	if j.rows == 0 {
		j.to.WriteString("[")
	}
	j.to.WriteString("]\n")
	return j.to.Flush()
}

// jsonValue is a value as JSON has it.
func jsonValue(v any) any {
	switch v := v.(type) {
	case float64:
		if math.IsInf(v, 0) || math.IsNaN(v) {
			return cell(v)
		}
	case []byte:
		return jsonValue(string(v))
	case string:
		if !utf8.ValidString(v) {
			return map[string]string{"base64": base64.StdEncoding.EncodeToString([]byte(v))}
		}
	}
	return v
}

// csvRows writes RFC 4180.
type csvRows struct{ to *csv.Writer }

func newCSVRows(out io.Writer) *csvRows { return &csvRows{csv.NewWriter(out)} }

func (c *csvRows) begin(columns []string) error { return c.to.Write(columns) }

func (c *csvRows) row(values []any) error {
	record := make([]string, len(values))
	for i, v := range values {
		record[i] = cell(v)
	}
	return c.to.Write(record)
}

func (c *csvRows) end() error {
	c.to.Flush()
	return c.to.Error()
}

// tableRows writes columns that stand below each other. So many rows are gathered for their widths, and the rest follow
// them: a table may be longer than memory.
type tableRows struct {
	out     io.Writer
	to      *bufio.Writer
	gather  [][]string
	widths  []int
	written bool
}

const gathered = 1000

// widest is how wide a column is made for the sake of a value; one that is longer sticks out.
const widest = 60

func (t *tableRows) begin(columns []string) error {
	if err := t.end(); err != nil {
		return err
	}
	if t.to == nil {
		t.to = bufio.NewWriter(t.out)
	} else {
		t.to.WriteByte('\n')
	}
	t.widths, t.written = make([]int, len(columns)), false
	rule := make([]string, len(columns))
	t.keep(columns)
	t.keep(rule)
	return nil
}

func (t *tableRows) keep(cells []string) {
	for i, c := range cells {
		t.widths[i] = max(t.widths[i], min(uniseg.StringWidth(c), widest))
	}
	t.gather = append(t.gather, cells)
}

func (t *tableRows) row(values []any) error {
	cells := make([]string, len(values))
	for i, v := range values {
		if cells[i] = oneLine(cell(v)); v == nil {
			cells[i] = "NULL"
		}
	}
	if !t.written {
		t.keep(cells)
		if len(t.gather) < gathered {
			return nil
		}
		t.flush()
		return nil
	}
	t.line(cells)
	return nil
}

// oneLine shows what would break a table, or change a terminal, in Go's notation.
func oneLine(text string) string {
	if strings.ContainsFunc(text, func(r rune) bool { return !strconv.IsPrint(r) }) {
		quoted := strconv.Quote(text)
		return strings.ReplaceAll(quoted[1:len(quoted)-1], `\"`, `"`)
	}
	return text
}

func (t *tableRows) flush() {
	for n, cells := range t.gather {
		if n == 1 { // below the names
			for i := range cells {
				cells[i] = strings.Repeat("-", t.widths[i])
			}
		}
		t.line(cells)
	}
	t.gather, t.written = nil, true
}

func (t *tableRows) line(cells []string) {
	for i, c := range cells {
		if i > 0 {
			t.to.WriteString("  ")
		}
		t.to.WriteString(c)
		if i < len(cells)-1 {
			t.to.WriteString(strings.Repeat(" ", max(0, t.widths[i]-uniseg.StringWidth(c))))
		}
	}
	t.to.WriteByte('\n')
}

func (t *tableRows) end() error {
	if t.to == nil {
		return nil
	}
	t.flush()
	return t.to.Flush()
}
