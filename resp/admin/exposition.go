package admin

import (
	"maps"
	"slices"
	"strconv"
	"strings"
)

// expositionType is of Prometheus's text format, which every scraper reads, those that prefer OpenMetrics, too.
const expositionType = "text/plain; version=0.0.4; charset=utf-8"

// An exposition gathers metrics and writes them in Prometheus's text format, version 0.0.4
// (prometheus.io/docs/instrumenting/exposition_formats): all samples of a metric together, under its help and type.
type exposition struct {
	metrics map[string]*metric
}

// metric is one name with all its samples.
type metric struct {
	help, kind string
	samples    map[string]float64 // by what stands before the value: name, suffix, labels
	order      []string
}

// put adds a sample; labels are pairs of name and value.
func (e *exposition) put(name, help string, counter bool, value float64, labels ...string) {
	kind := "gauge"
	if counter {
		kind = "counter"
	}
	e.metric(name, help, kind).add(name, value, labels...)
}

// summary adds a metric of quantiles.
func (e *exposition) summary(name, help string, count, sum float64, quantiles map[float64]float64, labels ...string) {
	m := e.metric(name, help, "summary")
	for _, q := range slices.Sorted(maps.Keys(quantiles)) {
		m.add(name, quantiles[q], slices.Concat(labels, []string{"quantile", number(q)})...)
	}
	m.add(name+"_sum", sum, labels...)
	m.add(name+"_count", count, labels...)
}

// histogram adds a metric of buckets: how many took no longer than a bound.
func (e *exposition) histogram(name, help string, count uint64, sum float64, buckets map[float64]uint64, labels ...string) {
	m := e.metric(name, help, "histogram")
	for _, bound := range slices.Sorted(maps.Keys(buckets)) {
		m.add(name+"_bucket", float64(buckets[bound]), slices.Concat(labels, []string{"le", number(bound)})...)
	}
	m.add(name+"_bucket", float64(count), slices.Concat(labels, []string{"le", "+Inf"})...)
	m.add(name+"_sum", sum, labels...)
	m.add(name+"_count", float64(count), labels...)
}

func (e *exposition) metric(name, help, kind string) *metric {
	m := e.metrics[name]
	if m == nil {
		m = &metric{help: help, kind: kind, samples: map[string]float64{}}
		if e.metrics == nil {
			e.metrics = map[string]*metric{}
		}
		e.metrics[name] = m
	}
	return m
}

// add adds a sample. Two with the same labels, as two errors may have that differ in bytes which are no text, are one.
func (m *metric) add(name string, value float64, labels ...string) {
	var b strings.Builder
	b.WriteString(name)
	for i := 0; i < len(labels); i += 2 {
		if i == 0 {
			b.WriteByte('{')
		} else {
			b.WriteByte(',')
		}
		// Values may be what clients have sent, in an error's first word: no text is refused.
		b.WriteString(labels[i] + `="` + labelEscapes.Replace(strings.ToValidUTF8(labels[i+1], "?")) + `"`)
	}
	if len(labels) > 0 {
		b.WriteByte('}')
	}
	line := b.String()
	before, there := m.samples[line]
	if !there {
		m.order = append(m.order, line)
	}
	m.samples[line] = before + value
}

var (
	labelEscapes = strings.NewReplacer(`\`, `\\`, "\n", `\n`, `"`, `\"`)
	helpEscapes  = strings.NewReplacer(`\`, `\\`, "\n", `\n`)
)

// number is a number's shortest text. Go's words for what is none, NaN, +Inf and -Inf, are Prometheus's.
func number(f float64) string { return strconv.FormatFloat(f, 'g', -1, 64) }

// encode writes all of them, by name.
func (e *exposition) encode() []byte {
	var b []byte
	for _, name := range slices.Sorted(maps.Keys(e.metrics)) {
		m := e.metrics[name]
		b = append(b, "# HELP "+name+" "+helpEscapes.Replace(m.help)+"\n# TYPE "+name+" "+m.kind+"\n"...)
		for _, line := range m.order {
			b = append(b, line...)
			b = append(b, ' ')
			b = append(b, number(m.samples[line])...)
			b = append(b, '\n')
		}
	}
	return b
}
