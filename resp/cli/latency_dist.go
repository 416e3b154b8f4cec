package cli

import (
	"fmt"
	"math"
	"time"
)

// A latencyBand counts the PINGs that took as long as up to most.
type latencyBand struct {
	most  time.Duration
	mark  byte
	count int
}

func latencyBands() (bands []latencyBand) {
	for i, us := range []int{
		10, 125, 250, 500, 1000, 2000, 3000, 4000, 5000, 6000, 7000, 8000, 9000, 10_000, 20_000, 30_000, 40_000, 50_000,
		100_000, 200_000, 300_000, 400_000, 500_000, 1_000_000, 2_000_000, 4_000_000, 8_000_000, 16_000_000, 30_000_000, 60_000_000,
	} {
		bands = append(bands, latencyBand{most: time.Duration(us) * time.Microsecond, mark: ".-*#123456789ABCDEFGHIJKLMNOPQ"[i]})
	}
	return append(bands, latencyBand{most: math.MaxInt64, mark: '?'})
}

// Colours of a terminal with 256 of them, from nothing to all.
var (
	coloured = []int{0, 233, 234, 235, 237, 239, 241, 243, 245, 247, 144, 143, 142, 184, 226, 214, 208, 202, 196}
	greys    = []int{0, 233, 234, 235, 237, 239, 241, 243, 245, 247, 249, 251, 253}
)

// latencySpectrum shows a line of colours each interval: the more PINGs took as long, the brighter the place.
func (s *session) latencySpectrum() error {
	interval := time.Second
	if s.interval > 0 {
		interval = s.interval
	}
	colours := coloured
	if s.mono {
		colours = greys
	}
	bands, pings := latencyBands(), 0
	for start, lines := time.Now(), 0; ; time.Sleep(sampleEvery) {
		took, err := s.ping()
		if err != nil {
			return err
		}
		for i := range bands {
			if took <= bands[i].most {
				bands[i].count++
				break
			}
		}
		pings++
		if time.Since(start) <= interval {
			continue
		}
		if lines++; lines%20 == 1 {
			s.printSpectrumLegend(colours)
		}
		fmt.Fprint(s.out, "\x1b[38;5;0m")
		for i, band := range bands {
			share := math.Ceil(float64(band.count) / float64(pings) * float64(len(colours)-1))
			fmt.Fprintf(s.out, "\x1b[48;5;%dm%c", colours[int(share)], band.mark)
			bands[i].count = 0
		}
		fmt.Fprint(s.out, "\x1b[0m\n")
		start, pings = time.Now(), 0
	}
}

func (s *session) printSpectrumLegend(colours []int) {
	const rule = "---------------------------------------------\n"
	fmt.Fprint(s.out, rule+`. - * #          .01 .125 .25 .5 milliseconds
1,2,3,...,9      from 1 to 9     milliseconds
A,B,C,D,E        10,20,30,40,50  milliseconds
F,G,H,I,J        .1,.2,.3,.4,.5       seconds
K,L,M,N,O,P,Q,?  1,2,4,8,16,30,60,>60 seconds
From 0 to 100%: `)
	for _, colour := range colours {
		fmt.Fprintf(s.out, "\x1b[48;5;%dm ", colour)
	}
	fmt.Fprint(s.out, "\x1b[0m\n"+rule)
}
