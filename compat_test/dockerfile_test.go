package compat_test

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// An imageStage is one of the Dockerfile's, with those lines that this reader knows.
type imageStage struct {
	name, from string
	steps      []dockerStep
	env        []string
	workdir    string
	entrypoint []string
	command    []string
	volumes    []string
}

// A dockerStep is a COPY or a RUN.
type dockerStep struct {
	line    int
	run     string // the shell's line of a RUN, without its --mount
	from    string // of a COPY: a stage, "" = the tree
	sources []string
	to      string
}

// readDockerfile reads the Dockerfile at the top of the tree. A line that it does not know is an error: it
// would be built by an engine and not here.
func readDockerfile() (stages []*imageStage, err error) {
	text, err := os.ReadFile(filepath.Join("..", "Dockerfile"))
	if err != nil {
		return nil, err
	}
	number, line, begun := 0, "", 0
	for raw := range strings.Lines(string(text)) {
		number++
		trimmed := strings.TrimSpace(raw)
		if trimmed == "" || trimmed[0] == '#' {
			continue
		}
		if line == "" {
			begun = number
		}
		part, goesOn := strings.CutSuffix(trimmed, "\\")
		line += part
		if goesOn {
			continue
		}
		if stages, err = dockerLine(stages, begun, line); err != nil {
			return nil, fmt.Errorf("Dockerfile:%d: %w", begun, err)
		}
		line = ""
	}
	return stages, nil
}

func dockerLine(stages []*imageStage, number int, line string) ([]*imageStage, error) {
	word, rest, _ := strings.Cut(line, " ")
	rest = strings.TrimSpace(rest)
	if word == "FROM" {
		words := strings.Fields(rest)
		s := &imageStage{from: words[0]}
		if len(words) == 3 && words[1] == "AS" {
			s.name = words[2]
		}
		if before := findStage(stages, s.from); before != nil {
			s.env, s.workdir, s.entrypoint, s.command, s.volumes = before.env, before.workdir, before.entrypoint, before.command, before.volumes
		}
		return append(stages, s), nil
	}
	s := stages[len(stages)-1]
	switch word {
	case "WORKDIR":
		s.workdir = rest
	case "VOLUME":
		s.volumes = strings.Fields(rest)
	case "ENV":
		s.env = strings.Fields(rest)
	case "EXPOSE":
	case "ENTRYPOINT":
		return stages, json.Unmarshal([]byte(rest), &s.entrypoint)
	case "CMD":
		return stages, json.Unmarshal([]byte(rest), &s.command)
	case "RUN":
		words := strings.Fields(rest)
		for len(words) > 0 && strings.HasPrefix(words[0], "--mount=") {
			rest = strings.TrimSpace(strings.TrimPrefix(rest, words[0]))
			words = words[1:]
		}
		s.steps = append(s.steps, dockerStep{line: number, run: rest})
	case "COPY":
		words := strings.Fields(rest)
		step := dockerStep{line: number}
		for strings.HasPrefix(words[0], "--") {
			from, ok := strings.CutPrefix(words[0], "--from=")
			if !ok {
				return nil, fmt.Errorf("COPY %s is not known here", words[0])
			}
			step.from, words = from, words[1:]
		}
		step.sources, step.to = words[:len(words)-1], words[len(words)-1]
		s.steps = append(s.steps, step)
	default:
		return nil, fmt.Errorf("%s is not known here", word)
	}
	return stages, nil
}

func findStage(stages []*imageStage, name string) *imageStage {
	i := slices.IndexFunc(stages, func(s *imageStage) bool { return s.name == name && name != "" })
	if i < 0 {
		return nil
	}
	return stages[i]
}

// What the Dockerfile copies from the tree must be there, and must not be kept from the engine.
func TestTheDockerfileCopiesWhatThereIs(t *testing.T) {
	stages, err := readDockerfile()
	if err != nil {
		t.Fatal(err)
	}
	ignored, err := os.ReadFile(filepath.Join("..", ".dockerignore"))
	if err != nil {
		t.Fatal(err)
	}
	copied := 0
	for _, s := range stages {
		for _, step := range s.steps {
			if step.run != "" || step.from != "" {
				continue
			}
			for _, source := range step.sources {
				copied++
				if _, err := os.Stat(filepath.Join("..", source)); err != nil {
					t.Errorf("Dockerfile:%d: %v", step.line, err)
				}
				if slices.Contains(strings.Fields(string(ignored)), source) {
					t.Errorf("Dockerfile:%d: %s is in .dockerignore", step.line, source)
				}
			}
		}
	}
	if last := stages[len(stages)-1]; copied < 4 || last.entrypoint == nil || last.command == nil || findStage(stages, "bash") == nil {
		t.Errorf("%d files are copied; the last stage is started with %v %v", copied, last.entrypoint, last.command)
	}
}
