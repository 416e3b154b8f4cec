package frameworks;

import java.io.BufferedReader;
import java.io.FileReader;
import java.io.FileWriter;
import java.time.Duration;
import java.util.Arrays;
import java.util.StringJoiner;
import java.util.concurrent.Callable;

/** What the Java programs share: the server they are told to use, lines of a transcript, waiting, the server's end. */
final class Transcript {
  static final String HOST = System.getenv("REDIS_HOST");
  static final int PORT = Integer.parseInt(System.getenv("REDIS_PORT"));
  static final String URL = System.getenv("REDIS_URL");

  private Transcript() {}

  static void say(String what, Object... outcome) {
    var line = new StringJoiner(" ", what + ": ", "");
    for (Object o : outcome) line.add(shown(o));
    System.out.println(line);
  }

  private static String shown(Object o) {
    if (o instanceof Object[] array) return Arrays.deepToString(array);
    if (o instanceof byte[] bytes) return new String(bytes);
    return String.valueOf(o);
  }

  /** The innermost exception that a call ends with, as its class and text; or what it returned. */
  static String raised(Callable<?> call) {
    try {
      return "returned " + shown(call.call());
    } catch (Exception e) {
      Throwable cause = e;
      while (cause.getCause() != null) cause = cause.getCause();
      return cause.getClass().getSimpleName() + ": " + cause.getMessage();
    }
  }

  /** Waits until the condition gives something but false and null, whatever it throws meanwhile, and returns it. */
  static <T> T until(String what, Callable<T> condition) throws InterruptedException {
    long deadline = System.nanoTime() + Duration.ofSeconds(40).toNanos();
    Exception last = null;
    while (System.nanoTime() < deadline) {
      try {
        T got = condition.call();
        if (got != null && !Boolean.FALSE.equals(got)) return got;
      } catch (Exception e) {
        last = e;
      }
      Thread.sleep(20);
    }
    System.err.println("gave up waiting until " + what + ", last: " + last);
    System.exit(1);
    return null;
  }

  /** Has the server killed with SIGKILL and started again, and returns when it answers. */
  static void killTheServer() throws Exception {
    try (var ask = new FileWriter(System.getenv("REDIS_ASK"))) {
      ask.write("kill\n");
    }
    try (var answer = new BufferedReader(new FileReader(System.getenv("REDIS_ANSWER")))) {
      answer.readLine();
    }
  }
}
