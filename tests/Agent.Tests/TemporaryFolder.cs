using Bulkhead.Agent.State;

namespace Bulkhead.Agent.Tests;

/// <summary>A folder of the test's own, gone afterwards.</summary>
internal sealed class TemporaryFolder : IDisposable
{
    public string Path { get; } = Directory.CreateTempSubdirectory("bulkhead-agent-test-").FullName;

    public string this[string name] => System.IO.Path.Combine(Path, name);

    public StateDirectory State() => StateDirectory.Create(this["state"]);

    public void Dispose() => Directory.Delete(Path, recursive: true);
}
