using System.Diagnostics;
using System.Reflection;
using System.Runtime.Loader;

namespace Bulkhead.Mutation;

/// <summary>
/// Runs the tests of an assembly in this process, one after the other, until one fails. It knows facts and theories and nothing of
/// xunit but its attributes, so that the mutated assembly can be put under the tests without building them again.
/// </summary>
internal static class TestChild
{
    /// <summary>Runs the tests named in a file, one a line (all of them if it does not exist, and writes it, the quickest first).</summary>
    public static int Run(string folder, string tests, string mutated, string order)
    {
        AppContext.SetData("APP_CONTEXT_BASE_DIRECTORY", folder + "/");
        AssemblyLoadContext.Default.Resolving += (context, name) =>
        {
            var file = name.Name == Path.GetFileNameWithoutExtension(mutated) ? mutated : Path.Combine(folder, $"{name.Name}.dll");
            return File.Exists(file) ? context.LoadFromAssemblyPath(file) : null;
        };
        var assembly = AssemblyLoadContext.Default.LoadFromAssemblyPath(Path.Combine(folder, $"{tests}.dll"));
        var found = assembly.GetTypes().SelectMany(type => type.GetMethods()).Where(method => Attribute(method, "FactAttribute") is not null)
            .ToDictionary(method => $"{method.DeclaringType!.Name}.{method.Name}");
        var known = File.Exists(order) ? File.ReadAllLines(order) : null;
        var times = new List<(string Name, TimeSpan Took)>();
        foreach (var name in known ?? [.. found.Keys.Order(StringComparer.Ordinal)])
        {
            var began = Stopwatch.GetTimestamp();
            try
            {
                RunTest(found[name]);
            }
            catch (Exception e) when (e is not OutOfMemoryException)
            {
                Console.WriteLine(known is null ? $"{name}: {(e as TargetInvocationException)?.InnerException ?? e}" : name);
                return 1;
            }

            times.Add((name, Stopwatch.GetElapsedTime(began)));
        }

        if (known is null)
        {
            File.WriteAllLines(order, times.OrderBy(t => t.Took).Select(t => t.Name));
        }

        return 0;
    }

    private static void RunTest(MethodInfo method)
    {
        foreach (var arguments in Rows(method))
        {
            var constructor = method.DeclaringType!.GetConstructors()[0];
            var test = constructor.Invoke([.. constructor.GetParameters().Select(p => Silence.For(p.ParameterType))]);
            try
            {
                var parameters = method.GetParameters();
                object?[] all = [.. arguments, .. parameters.Skip(arguments.Length).Select(p => p.DefaultValue)];
                if (method.Invoke(test, all) is Task task)
                {
                    task.GetAwaiter().GetResult();
                }
            }
            finally
            {
                (test as IDisposable)?.Dispose();
            }
        }
    }

    private static IEnumerable<object?[]> Rows(MethodInfo method) => Attribute(method, "TheoryAttribute") is null
        ? [[]]
        : method.GetCustomAttributes().Where(a => Named(a.GetType(), "DataAttribute"))
            .SelectMany(data => (IEnumerable<object?[]>)data.GetType().GetMethod("GetData", [typeof(MethodInfo)])!.Invoke(data, [method])!);

    private static Attribute? Attribute(MethodInfo method, string name) => method.GetCustomAttributes().FirstOrDefault(a => Named(a.GetType(), name));

    private static bool Named(Type? type, string name) => type is not null && (type.FullName == $"Xunit.{name}" || type.FullName == $"Xunit.Sdk.{name}" || Named(type.BaseType, name));
}

/// <summary>Stands in for what tests write to.</summary>
public class Silence : DispatchProxy
{
    /// <summary>Makes one that does nothing.</summary>
    public static object For(Type type) => Create(type, typeof(Silence));

    /// <inheritdoc/>
    protected override object? Invoke(MethodInfo? targetMethod, object?[]? args) => null;
}
