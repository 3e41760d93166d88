package breaker

import (
	"fmt"
	"math"
	"strings"
)

// simPlot is a small plot with logarithmic axes, written as an SVG that is
// readable on light and on dark pages.
type simPlot struct {
	title, x, y string
	series      []simSeries
	limit       float64 // a line across, 0 for none
	limitName   string
}

type simSeries struct {
	name   string
	points []simPoint
}

type simPoint struct{ x, y float64 }

const (
	plotWidth, plotHeight = 720, 400
	plotLeft, plotRight   = 62, 500
	plotTop, plotBottom   = 44, 350
)

const plotStyle = `<style>
text{font:12px sans-serif;fill:#333}.t{font-size:14px;font-weight:bold}
.g{stroke:#8884;stroke-width:1}.l{fill:none;stroke-width:2}.lim{stroke:#c33;stroke-width:1.5;stroke-dasharray:6 4}
.c0{stroke:#0868ac;fill:#0868ac}.c1{stroke:#d95f02;fill:#d95f02}.c2{stroke:#1b9e77;fill:#1b9e77}.c3{stroke:#8b5cc7;fill:#8b5cc7}
.l{fill:none}
@media(prefers-color-scheme:dark){text{fill:#ddd}.c0{stroke:#5ab4f0;fill:#5ab4f0}.c1{stroke:#ff9d4d;fill:#ff9d4d}.c2{stroke:#4fd0a5;fill:#4fd0a5}.c3{stroke:#b79be8;fill:#b79be8}.l{fill:none}.lim{stroke:#f77}}
</style>
`

func (p simPlot) svg() string {
	var b strings.Builder
	low, high := p.extent()
	at := func(q simPoint) (x, y float64) {
		return plotLeft + (math.Log10(q.x)-low.x)/(high.x-low.x)*(plotRight-plotLeft),
			plotBottom - (math.Log10(q.y)-low.y)/(high.y-low.y)*(plotBottom-plotTop)
	}
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" role="img" aria-label="%s">`+"\n", plotWidth, plotHeight, p.title)
	b.WriteString(plotStyle)
	fmt.Fprintf(&b, `<text class="t" x="%d" y="22">%s</text>`+"\n", plotLeft, p.title)
	p.axes(&b, low, high, at)
	for i, s := range p.series {
		s.draw(&b, i, at)
	}
	for i, y := range p.labels(at) {
		s := p.series[i]
		fmt.Fprintf(&b, `<text x="%d" y="%.0f"><tspan class="c%d" stroke="none">■</tspan> %s</text>`+"\n", plotRight+10, y+4, i, s.name)
	}
	b.WriteString("</svg>\n")
	return b.String()
}

// extent returns the powers of ten around all points.
func (p simPlot) extent() (low, high simPoint) {
	low, high = simPoint{math.Inf(1), math.Inf(1)}, simPoint{math.Inf(-1), math.Inf(-1)}
	include := func(q simPoint) {
		low = simPoint{min(low.x, math.Floor(math.Log10(q.x))), min(low.y, math.Floor(math.Log10(q.y)))}
		high = simPoint{max(high.x, math.Ceil(math.Log10(q.x))), max(high.y, math.Ceil(math.Log10(q.y)))}
	}
	for _, s := range p.series {
		for _, q := range s.points {
			include(q)
		}
	}
	if p.limit > 0 {
		include(simPoint{p.series[0].points[0].x, p.limit})
	}
	high.y = max(high.y, low.y+1)
	return low, high
}

func (p simPlot) axes(b *strings.Builder, low, high simPoint, at func(simPoint) (x, y float64)) {
	for e := low.x; e <= high.x; e++ {
		x, _ := at(simPoint{math.Pow(10, e), 1})
		fmt.Fprintf(b, `<path class="g" d="M%.1f %dV%d"/><text x="%.1f" y="%d" text-anchor="middle">%s</text>`+"\n", x, plotTop, plotBottom, x, plotBottom+18, plotNumber(e))
	}
	for e := low.y; e <= high.y; e++ {
		_, y := at(simPoint{1, math.Pow(10, e)})
		fmt.Fprintf(b, `<path class="g" d="M%d %.1fH%d"/><text x="%d" y="%.1f" text-anchor="end">%s</text>`+"\n", plotLeft, y, plotRight, plotLeft-6, y+4, plotNumber(e))
	}
	if p.limit > 0 {
		_, y := at(simPoint{1, p.limit})
		fmt.Fprintf(b, `<path class="lim" d="M%d %.1fH%d"/><text x="%d" y="%.1f">%s</text>`+"\n", plotLeft, y, plotRight, plotLeft+6, y-5, p.limitName)
	}
	fmt.Fprintf(b, `<text x="%d" y="%d" text-anchor="middle">%s</text>`+"\n", (plotLeft+plotRight)/2, plotBottom+38, p.x)
	fmt.Fprintf(b, `<text transform="translate(14 %d) rotate(-90)" text-anchor="middle">%s</text>`+"\n", (plotTop+plotBottom)/2, p.y)
}

func plotNumber(exponent float64) string {
	if exponent < 0 {
		return fmt.Sprintf("%.*f", int(-exponent), math.Pow(10, exponent))
	}
	digits := fmt.Sprintf("%.0f", math.Pow(10, exponent))
	if len(digits) > 3 {
		digits = digits[:len(digits)-3] + "," + digits[len(digits)-3:]
	}
	return digits
}

func (s simSeries) draw(b *strings.Builder, i int, at func(simPoint) (x, y float64)) {
	var line, dots strings.Builder
	step := "M"
	for _, q := range s.points {
		x, y := at(q)
		fmt.Fprintf(&line, "%s%.1f %.1f", step, x, y)
		step = "L"
		fmt.Fprintf(&dots, `<circle class="c%d" cx="%.1f" cy="%.1f" r="3"/>`, i, x, y)
	}
	fmt.Fprintf(b, `<path class="l c%d" d="%s"/>%s`+"\n", i, line.String(), dots.String())
}

// labels returns the height of each series' name: that of its last point, moved
// where two names would overlap.
func (p simPlot) labels(at func(simPoint) (x, y float64)) []float64 {
	heights := make([]float64, len(p.series))
	for i, s := range p.series {
		_, y := at(s.points[len(s.points)-1])
		for moved := true; moved; {
			moved = false
			for _, other := range heights[:i] {
				if math.Abs(y-other) < 16 {
					y, moved = other+16, true
				}
			}
		}
		heights[i] = y
	}
	return heights
}
