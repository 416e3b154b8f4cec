package config

// Protected reports whether something was configured that clients have to show who they are: a password, or users.
func (c *Config) Protected() bool {
	return c.RequirePass() != "" || len(c.userLines) > 0 || c.Text("aclfile") != ""
}

// MoveDir makes another directory the data directory, before the server begins. CONFIG GET shows it, and CONFIG REWRITE
// leaves the one that was configured.
func (c *Config) MoveDir(dir string) error {
	c.changing.Lock()
	defer c.changing.Unlock()
	i := mustParameter("dir")
	settings := append([]setting(nil), *c.settings.Load()...)
	moved, err := parameters[i].kind.apply([]string{dir}, "")
	if err != nil {
		return err
	}
	configured := settings[i]
	c.configuredDir, settings[i] = &configured, moved
	c.publish(settings)
	return nil
}

// kept are the settings that the conf file is to have.
func (c *Config) kept() []setting {
	settings := append([]setting(nil), *c.settings.Load()...)
	if c.configuredDir != nil {
		settings[mustParameter("dir")] = *c.configuredDir
	}
	return settings
}
