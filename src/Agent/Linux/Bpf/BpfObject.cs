using System.Text;

namespace Bulkhead.Agent.Linux.Bpf;

/// <summary>Programs and maps that were compiled into the agent, loaded into the kernel. They stay there for as long as they are attached.</summary>
internal sealed unsafe class BpfObject : IDisposable
{
    private const int LogSize = 64 << 10;
    private const int LongestDetail = 500;

    private nint _loaded;

    private BpfObject(nint loaded) => _loaded = loaded;

    /// <summary>Loads an object file that is embedded in the agent.</summary>
    /// <param name="name">The resource's name.</param>
    /// <exception cref="BpfException">The kernel does not take it, or does not permit it.</exception>
    public static BpfObject Load(string name)
    {
        using var resource = typeof(BpfObject).Assembly.GetManifestResourceStream(name)
            ?? throw new InvalidOperationException($"The agent was built without {name}.");
        var bytes = new byte[resource.Length];
        resource.ReadExactly(bytes);
        _ = Libbpf.SetPrint(0);
        var log = new byte[LogSize];
        fixed (byte* at = bytes, logAt = log)
        {
            var options = new Libbpf.OpenOptions { Size = (nuint)sizeof(Libbpf.OpenOptions), LogBuffer = logAt, LogSize = LogSize };
            var loaded = Libbpf.Open(at, (nuint)bytes.Length, &options);
            if (loaded == 0)
            {
                throw new BpfException($"open {name}", -System.Runtime.InteropServices.Marshal.GetLastPInvokeError());
            }

            var result = Libbpf.Load(loaded);
            if (result < 0)
            {
                Libbpf.Close(loaded);
                var text = Encoding.UTF8.GetString(log).TrimEnd('\0').Trim();
                throw new BpfException($"load {name}", result, text[Math.Max(0, text.Length - LongestDetail)..]);
            }

            return new(loaded);
        }
    }

    /// <summary>A program's descriptor.</summary>
    public int Program(string name) => Libbpf.ProgramDescriptor(Libbpf.FindProgram(_loaded, name));

    /// <summary>A map's descriptor.</summary>
    public int Map(string name) => Libbpf.MapDescriptor(_loaded, name);

    /// <inheritdoc/>
    public void Dispose() => Libbpf.Close(Interlocked.Exchange(ref _loaded, 0));
}
