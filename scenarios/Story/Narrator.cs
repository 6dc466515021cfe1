namespace Bulkhead.Scenarios.Story;

/// <summary>Tells the story: a line for each step, <c>ok</c> or <c>FAILED</c>, with what was seen.</summary>
internal sealed class Narrator(TextWriter output)
{
    private readonly long _start = TimeProvider.System.GetTimestamp();

    /// <summary>How many steps held.</summary>
    public int Passed { get; private set; }

    /// <summary>How many did not.</summary>
    public int Failed { get; private set; }

    /// <summary>Takes a step; a failure is told and does not end the story.</summary>
    /// <returns>Whether it held.</returns>
    public async Task<bool> StepAsync(string name, Func<Task<string>> seen)
    {
        try
        {
            var what = await seen();
            Passed++;
            Tell("ok    ", name, what);
            return true;
        }
        catch (Exception e) when (e is StoryException or Lab.LabException or IOException or HttpRequestException or System.Text.Json.JsonException or TimeoutException)
        {
            Failed++;
            Tell("FAILED", name, e.Message);
            return false;
        }
    }

    /// <summary>Counts the rest of the story, which could not be told, as one failure.</summary>
    public void NotTaken(string why)
    {
        Failed++;
        Tell("FAILED", "all further steps", why);
    }

    /// <summary>Says what goes on between steps.</summary>
    public void Progress(string what) => output.WriteLine($"       {Elapsed} · {what}");

    /// <summary>The closing line.</summary>
    public void Close() => output.WriteLine($"{Passed} passed, {Failed} failed");

    private string Elapsed => $"{TimeProvider.System.GetElapsedTime(_start).TotalSeconds,5:0.0} s";

    private void Tell(string outcome, string name, string what) => output.WriteLine($"{outcome} {Elapsed} {name}: {what}");
}
