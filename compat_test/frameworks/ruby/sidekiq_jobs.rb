# Sidekiq: jobs done, delayed, retried until dead, pushed in bulk, and what its web page reads; a worker stopped and one killed.
# Started with no argument it is the program, with `leaving`, `moved` and `back` what a queue does on its way to Diskette and back;
# loaded by a sidekiq process it is the jobs.
require "sidekiq"
require "sidekiq/api"

Sidekiq.configure_client { |config| config.redis = { url: ENV.fetch("REDIS_URL") } }
Sidekiq.configure_server do |config|
  config.redis = { url: ENV.fetch("REDIS_URL") }
  Sidekiq.options[:poll_interval_average] = 0.2
end

def note(what)
  Sidekiq.redis { |r| r.rpush("notes", what) }
end

class Adds
  include Sidekiq::Worker
  def perform(a, b)
    note("#{a} + #{b} = #{a + b}")
  end
end

class Fails
  include Sidekiq::Worker
  sidekiq_options retry: 2
  sidekiq_retries_exhausted { |job, e| note("exhausted: #{job["retry_count"]} #{e.message}") }
  def perform(name, succeeds_at)
    n = Sidekiq.redis { |r| r.incr("tries:#{name}") }
    raise "try #{n} failed" if n < succeeds_at
    note("#{name} at try #{n}")
  end
end

class Hangs
  include Sidekiq::Worker
  def perform(name)
    n = Sidekiq.redis { |r| r.incr("begun:#{name}") }
    sleep 60 if n == 1
    note("#{name} done at try #{n}")
  end
end

def say(what, *outcome)
  puts "#{what}: #{outcome.map(&:inspect).join(" ")}"
  $stdout.flush
end

# Waits until the block is true and returns what it gave.
def await(what, seconds = 100)
  deadline = Process.clock_gettime(Process::CLOCK_MONOTONIC) + seconds
  loop do
    got = yield
    return got if got
    abort "gave up waiting until #{what}" if Process.clock_gettime(Process::CLOCK_MONOTONIC) > deadline
    sleep 0.02
  end
end

def notes(count)
  await("#{count} notes are there") { Sidekiq.redis { |r| r.llen("notes") } >= count }
  Sidekiq.redis { |r| r.multi { |m| m.lrange("notes", 0, -1); m.del("notes") } }.first.sort
end

# Brings the next retry forward from the half minute or so that Sidekiq gives it, and returns what it knew of the failure.
def retry_now
  failed = await("a job is to be retried") { Sidekiq::RetrySet.new.first }
  failed.reschedule(Time.now)
  await("the job has been taken up") { Sidekiq::RetrySet.new.all? { |job| job.at > Time.now + 1 } }
  failed.args + [failed["error_message"], failed["retry_count"]]
end

# A worker that is told to end gives its jobs three seconds: longer than the two that its idle thread waits in BRPOP, which would
# take the job that is pushed back.
def with_worker
  pid = spawn("sidekiq", "-r", File.expand_path(__FILE__), "-c", "2", "-t", "3", "-q", "urgent,2", "-q", "default", out: :err)
  yield pid
ensure
  Process.kill("KILL", pid) rescue nil
  Process.wait(pid) rescue nil
end

def stop(pid)
  Process.kill("TERM", pid)
  Process.wait2(pid)[1].exitstatus
end

def jobs
  say "pushed", Adds.perform_async(1, 2).size, Adds.set(queue: "urgent").perform_async(3, 4).size
  say "in bulk", Sidekiq::Client.push_bulk("class" => Adds, "args" => (1..20).map { |i| [i, i] }).size
  say "delayed", Adds.perform_in(1, 100, 1).size, Sidekiq::ScheduledSet.new.size
  deleted = Adds.perform_in(1000, 0, 0)
  say "found and deleted", Sidekiq::ScheduledSet.new.find_job(deleted).delete, Sidekiq::ScheduledSet.new.size
  say "queues", Sidekiq::Queue.all.map { |q| [q.name, q.size, q.latency < 10] }, Sidekiq::Stats.new.enqueued
  say "first job", Sidekiq::Queue.new("urgent").first.args
  with_worker do |pid|
    say "done", notes(23)
    Fails.perform_async("retried", 2)
    say "to be retried", *retry_now
    say "retried", notes(1)
    Fails.perform_async("hopeless", 99)
    say "to be retried", *retry_now, *retry_now
    say "dead", notes(1)
    dead = await("it is in the dead set") { Sidekiq::DeadSet.new.first }
    say "in the dead set", dead.args, dead["error_class"], dead["error_message"], dead["retry_count"]
    say "retried from there, dead again", dead.retry.class, notes(1), Sidekiq::RetrySet.new.size
    await("the process has beaten") { Sidekiq::ProcessSet.new.size == 1 }
    say "processes", Sidekiq::ProcessSet.new.map { |p| [p["concurrency"], p["queues"].uniq.sort] }
    Hangs.perform_async("stopped")
    await("it runs") { Sidekiq.redis { |r| r.get("begun:stopped") } }
    say "stopped while a job runs", stop(pid), Sidekiq::Queue.new.size
  end
  stats = Sidekiq::Stats.new
  say "stats", stats.processed, stats.failed, stats.enqueued, stats.dead_size, stats.processes_size
  say "history", Sidekiq::Stats::History.new(1).processed.values
end

def killed_half_way
  with_worker do |pid|
    say "the stopped worker's job", notes(1)
    Hangs.perform_async("killed")
    await("it runs") { Sidekiq.redis { |r| r.get("begun:killed") } }
    Adds.perform_async(5, 6)
    await("the other is done") { Sidekiq.redis { |r| r.llen("notes") } == 1 }
    Process.kill("KILL", pid)
    Process.wait(pid)
    Adds.perform_async(7, 8)
  end
  say "left in the queue", Sidekiq::Queue.new.map(&:args)
  with_worker do |pid|
    say "the next worker's", notes(2)
    say "worker ends", stop(pid)
  end
  say "cleared", Sidekiq::DeadSet.new.clear.class, Sidekiq::Queue.new.clear.class, Sidekiq::Queue.all.map(&:size)
end

# A worker that is killed loses its job, as Sidekiq has it: one that is told to end pushes it back, and that one moves.
def hung(name)
  with_worker do |pid|
    Hangs.perform_async(name)
    await("it runs") { Sidekiq.redis { |r| r.get("begun:#{name}") } }
    yield if block_given?
    say "stopped while a job runs", stop(pid)
  end
  # What is queued before the server has seen that the worker is gone goes to the worker, and is lost.
  await("the server knows") { Sidekiq.redis { |r| r.info("clients") }["blocked_clients"] == "0" }
end

def open_jobs
  [Sidekiq::Queue.all.map { |q| [q.name, q.size] }.sort, Sidekiq::ScheduledSet.new.size, Sidekiq::RetrySet.new.size]
end

# Has all done that is due, and says what has been by now.
def work(jobs)
  with_worker do |pid|
    done = await("#{jobs} jobs are done") { d = Sidekiq.redis { |r| r.lrange("notes", 0, -1) }.uniq; d if d.size >= jobs }
    say "done", done.sort
    say "worker ends", stop(pid)
  end
  say "left", *open_jobs
end

# On Redis: jobs done, one pushed back, one to be retried, others queued and scheduled.
def leaving
  5.times { |i| Adds.perform_async(1, i) }
  Fails.perform_async("retried", 2)
  hung("on Redis") do
    await("five are done") { Sidekiq.redis { |r| r.llen("notes") } == 5 }
    await("one is to be retried") { Sidekiq::RetrySet.new.first }.reschedule(Time.now + 3600)
  end
  10.times { |i| Adds.perform_async(2, i) }
  3.times { |i| Adds.perform_in(1, 3, i) }
  3.times { |i| Adds.perform_in(3600, 4, i) }
  Adds.set(queue: "urgent").perform_async(5, 5)
  say "left", *open_jobs
end

# On Diskette: what is due gets done, and new ones come.
def moved
  say "found", *open_jobs
  work(20)
  hung("on Diskette")
  10.times { |i| Adds.perform_async(6, i) }
  3.times { |i| Adds.perform_in(1, 7, i) }
  say "left", *open_jobs
end

# On Redis again: the rest, and what is not due yet is brought forward.
def back
  say "found", *open_jobs
  [Sidekiq::ScheduledSet.new, Sidekiq::RetrySet.new].each { |set| set.to_a.each { |job| job.reschedule(Time.now) } }
  work(38)
end

if %w[leaving moved back].include?(ARGV[0]) && !Sidekiq.server?
  puts "-- #{ARGV[0]}"
  send(ARGV[0])
elsif !Sidekiq.server?
  puts "-- jobs"
  jobs
  puts "-- killed_half_way"
  killed_half_way
end
