using System.Text;
using Microsoft.Win32.SafeHandles;

namespace Bulkhead.Agent.Linux.Bpf;

/// <summary>Programs and maps that were compiled into the agent, loaded into the kernel. They stay there for as long as they are attached.</summary>
internal sealed unsafe class BpfObject : IDisposable
{
    private const int LogSize = 64 << 10;
    private const int LongestDetail = 500;
    private const int LruHash = 9; // BPF_MAP_TYPE_LRU_HASH
    private const uint FreeOfProcessor = 128; // LOCAL_FREE_TARGET

    private nint _loaded;

    private BpfObject(nint loaded) => _loaded = loaded;

    /// <summary>Loads an object file that is embedded in the agent.</summary>
    /// <param name="name">The resource's name.</param>
    /// <param name="without">A program that is left out; null for none.</param>
    /// <exception cref="BpfException">The kernel does not take it, or does not permit it.</exception>
    public static BpfObject Load(string name, string? without = null)
    {
        // Read where it lies: a copy of it would stay in the heap.
        using var resource = typeof(BpfObject).Assembly.GetManifestResourceStream(name) as UnmanagedMemoryStream
            ?? throw new InvalidOperationException($"The agent was built without {name}.");
        _ = Libbpf.SetPrint(0);
        var log = new byte[LogSize];
        fixed (byte* logAt = log)
        {
            var options = new Libbpf.OpenOptions { Size = (nuint)sizeof(Libbpf.OpenOptions), LogBuffer = logAt, LogSize = LogSize };
            var loaded = Libbpf.Open(resource.PositionPointer, (nuint)resource.Length, &options);
            if (loaded == 0)
            {
                throw new BpfException($"open {name}", -System.Runtime.InteropServices.Marshal.GetLastPInvokeError());
            }

            if (without is not null)
            {
                _ = Libbpf.SetAutoload(Libbpf.FindProgram(loaded, without), false);
            }

            MakeRoom(loaded);
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

    /// <summary>The descriptor of a map whose values a structure of ours stands for.</summary>
    /// <exception cref="InvalidOperationException">They are of another length: program and agent do not fit each other.</exception>
    public int Map<T>(string name)
        where T : unmanaged
    {
        var map = Map(name);
        var info = default(Libbpf.MapInfo);
        var length = (uint)sizeof(Libbpf.MapInfo);
        _ = BpfException.Check(Libbpf.Info(map, &info, &length), "read what a map is");
        return info.ValueSize == sizeof(T) ? map : throw new InvalidOperationException($"{name} has values of {info.ValueSize} bytes, and {typeof(T).Name} has {sizeof(T)}.");
    }

    /// <summary>Attaches a program to a cgroup for as long as this process lives, or until the link is taken off.</summary>
    /// <exception cref="BpfException">The kernel refuses.</exception>
    public nint Link(string name, SafeFileHandle cgroup) =>
        Libbpf.LinkToCgroup(Libbpf.FindProgram(_loaded, name), (int)cgroup.DangerousGetHandle()) is var link and not 0
            ? link
            : throw new BpfException($"attach {name}", -System.Runtime.InteropServices.Marshal.GetLastPInvokeError());

    /// <summary>Attaches a program to where it says that it belongs, likewise.</summary>
    /// <exception cref="BpfException">The kernel refuses.</exception>
    public nint Link(string name) =>
        Libbpf.Link(Libbpf.FindProgram(_loaded, name)) is var link and not 0 ? link : throw new BpfException($"attach {name}", -System.Runtime.InteropServices.Marshal.GetLastPInvokeError());

    /// <summary>Each processor may keep some places of an LRU map free for itself; on large machines that would be all there are, and what is in use would be displaced.</summary>
    private static void MakeRoom(nint loaded)
    {
        var kept = FreeOfProcessor * (uint)Math.Max(1, Libbpf.PossibleProcessors());
        for (var map = Libbpf.NextMap(loaded, 0); map != 0; map = Libbpf.NextMap(loaded, map))
        {
            if (Libbpf.MapType(map) == LruHash)
            {
                _ = BpfException.Check(Libbpf.SetMapCapacity(map, Libbpf.MapCapacity(map) + kept), "size a map");
            }
        }
    }

    /// <inheritdoc/>
    public void Dispose() => Libbpf.Close(Interlocked.Exchange(ref _loaded, 0));
}
